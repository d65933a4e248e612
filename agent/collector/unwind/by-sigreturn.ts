import type { Caller, ReadNumber } from './by-cfi.ts'
import type { Architecture, Registers } from './registers.ts'

/** Bytes of code that show it. */
export const SIGRETURN_BYTES = 9
/** `mov $15, %rax; syscall`: what libraries give as sa_restorer. `mov x8, #139; svc #0`: the vdso, and musl. */
const CODE_X64 = Buffer.from([0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05])
const CODE_ARM64 = Buffer.from([0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4])

/** Where struct sigcontext lies from the stack pointer on: Linux arch/x86/include/asm/sigframe.h behind pretcode, arch/arm64/kernel/signal.c. */
const CONTEXT_X64 = 40
const CONTEXT_ARM64 = 128 + 176
/** Its registers in order, by DWARF number: r8…r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip. */
const ORDER_X64 = [8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16]
/** Behind the address of a fault. */
const FIRST_ARM64 = 8

/** Whether code is where a signal handler returns to. */
export function isSigreturn(code: Buffer, { link }: Architecture): boolean {
  const expected = link === undefined ? CODE_X64 : CODE_ARM64
  return code.subarray(0, expected.length).equals(expected)
}

/** What was interrupted by the signal whose handler returns here. */
export function bySigreturn(registers: Registers, { count, sp, link }: Architecture, memory: ReadNumber): Caller {
  const stack = registers[sp]
  if (stack === undefined) return { kind: 'none' }
  const first = stack + BigInt(link === undefined ? CONTEXT_X64 : CONTEXT_ARM64 + FIRST_ARM64)
  const order = link === undefined ? ORDER_X64 : Array.from({ length: count }, (_, index) => index)
  const caller = [...registers]
  for (const [index, number] of order.entries()) {
    const at = first + BigInt(index * 8)
    const value = memory(at, 8)
    if (value === undefined) return { kind: 'unreadable', address: Number(at) }
    caller[number] = value
  }
  return { kind: 'caller', registers: caller }
}
