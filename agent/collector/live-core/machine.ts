/** What a core and its registers look like on one architecture: Linux include/uapi/linux/elf.h, arch/<it>/include/uapi/asm/ptrace.h. */
export interface Machine {
  /** e_machine of elf(5). */
  readonly elf: number
  /** Bytes of the general registers as PTRACE_GETREGSET gives them; a 32-bit process has fewer. */
  readonly registers: number
  /** Places of the program counter and the stack pointer in them. */
  readonly pc: number
  readonly sp: number
  /** Places of the system call's number and of its arguments, as /proc/PID/syscall tells them. */
  readonly call: number
  readonly callArguments: readonly number[]
  /** Bytes below the stack pointer that a leaf function may use. */
  readonly redZone: number
  /**
   * What stands in a context that the kernel saved on the stack for a signal handler, and where from there the stack pointer of what was
   * interrupted is: Linux arch/<it>/include/uapi/asm/sigcontext.h.
   */
  readonly context: { readonly mark: Buffer; readonly sp: number }
  /** Further register sets of a thread, in the kernel's order. */
  readonly sets: readonly RegisterSet[]
}

export interface RegisterSet {
  readonly type: number
  readonly owner: 'CORE' | 'LINUX'
  /** Most bytes that are asked for. */
  readonly most: number
  /** Large, and needed by no unwinder: left out where there are very many threads. */
  readonly bulky: boolean
}

const FPREGSET = 2
/** An XSAVE area: 2.7 KiB with AVX-512, 11 KiB with AMX (Intel SDM 1, 13.4 and 13.5). */
const XSTATE: RegisterSet = { type: 0x202, owner: 'LINUX', most: 16_384, bulky: true }
/** arm64: TPIDR_EL0, where thread-local variables are; which bits of an address are its signature. No PAC keys: they are secrets. */
const ARM_TLS: RegisterSet = { type: 0x401, owner: 'LINUX', most: 16, bulky: false }
const ARM_PAC_MASK: RegisterSet = { type: 0x406, owner: 'LINUX', most: 16, bulky: false }

const X64: Machine = {
  elf: 62,
  registers: 27 * 8,
  pc: 16 * 8,
  sp: 19 * 8,
  call: 15 * 8,
  // rdi, rsi, rdx, r10, r8, r9
  callArguments: [14 * 8, 13 * 8, 12 * 8, 7 * 8, 9 * 8, 8 * 8],
  redZone: 128,
  // The segments of 64-bit user code: cs 0x33, gs and fs 0, ss 0x2b. Before them: rsp, rip, flags.
  context: { mark: Buffer.from([0x33, 0, 0, 0, 0, 0, 0x2b, 0]), sp: -3 * 8 },
  sets: [{ type: FPREGSET, owner: 'CORE', most: 512, bulky: false }, XSTATE],
}

const ARM64: Machine = {
  elf: 183,
  registers: 34 * 8,
  pc: 32 * 8,
  sp: 31 * 8,
  call: 8 * 8,
  callArguments: [0, 8, 16, 24, 32, 40],
  redZone: 0,
  // The head of struct fpsimd_context, the first of its records: FPSIMD_MAGIC, 528 bytes. Before it: sp, pc, pstate, padding.
  context: { mark: Buffer.from([0x01, 0x80, 0x50, 0x46, 0x10, 0x02, 0, 0]), sp: -4 * 8 },
  sets: [{ type: FPREGSET, owner: 'CORE', most: 528, bulky: false }, ARM_TLS, ARM_PAC_MASK],
}

/** The machine of a Node architecture name; undefined where its registers are not known. */
export function machineOf(arch: string): Machine | undefined {
  return arch === 'x64' ? X64 : arch === 'arm64' ? ARM64 : undefined
}
