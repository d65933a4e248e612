/** Registers of an architecture, by their DWARF numbers. */
export interface Architecture {
  /** e_machine of elf(5). */
  readonly elf: number
  /** How many are followed from frame to frame. */
  readonly count: number
  readonly pc: number
  readonly sp: number
  /** The one that frame pointers are in. */
  readonly fp: number
  /** The one that a call leaves the return address in; undefined where it is on the stack. */
  readonly link?: number
  /** For each, its place in struct user_regs_struct, in words: Linux arch/…/include/uapi/asm/ptrace.h. */
  readonly places: readonly number[]
}

/** x86-64 psABI, figure 3.36: rax rdx rcx rbx rsi rdi rbp rsp r8…r15, return address. */
const X64: Architecture = {
  ...{ elf: 62, count: 17, pc: 16, sp: 7, fp: 6 },
  places: [10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0, 16],
}

/** AAPCS64's DWARF: x0…x30, sp, pc. */
const ARM64: Architecture = {
  ...{ elf: 183, count: 33, pc: 32, sp: 31, fp: 29, link: 30 },
  places: Array.from({ length: 33 }, (_, index) => index),
}

export const ARCHITECTURES: Readonly<Record<'x64' | 'arm64', Architecture>> = { x64: X64, arm64: ARM64 }

/** What of a frame's registers is known, by DWARF number. */
export type Registers = readonly (bigint | undefined)[]

/** The registers of a thread: struct user_regs_struct of its architecture (NT_PRSTATUS without its head, PTRACE_GETREGSET). */
export interface ThreadRegisters {
  readonly tid: number
  readonly registers: Buffer
  /** arm64: what NT_ARM_PAC_MASK says, the mask of data addresses, then that of code. */
  readonly pacMask?: Buffer
}

/** The registers of a thread; undefined where they are not those of this architecture. */
export function registersOf({ places }: Architecture, { registers }: ThreadRegisters): Registers | undefined {
  const known = places.map((place) =>
    place * 8 + 8 <= registers.length ? registers.readBigUInt64LE(place * 8) : undefined,
  )
  return known.includes(undefined) ? undefined : known
}

/** Bits of an arm64 address where nothing says which of them are its signature: user space has 48 at least (Linux Documentation/arch/arm64/memory.rst). */
const ADDRESS_BITS = 48

/**
 * The bits of an arm64 return address that are its signature: what the kernel tells in NT_ARM_PAC_MASK (data, then code). They are
 * zero in the address of any user program, so that they may be taken from one that was not signed, too.
 */
export function signatureBits(pacMask: Buffer | undefined): bigint {
  if (pacMask !== undefined && pacMask.length >= 16) return pacMask.readBigUInt64LE(8)
  return BigInt.asUintN(64, ~((1n << BigInt(ADDRESS_BITS)) - 1n))
}
