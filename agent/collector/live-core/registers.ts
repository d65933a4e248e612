import { NT_PRSTATUS } from '../elf/notes.ts'
import { PTRACE_GETREGSET, PTRACE_GETSIGINFO, type SystemCalls } from '../host/ffi.ts'
import type { Machine, RegisterSet } from './machine.ts'
import { THIRTY_TWO_BIT, Unsupported } from './target.ts'

/** What a core says of one thread. */
export interface ThreadState {
  readonly tid: number
  /** The signal it was about to get, or 0. */
  readonly signal: number
  /** siginfo_t of that signal; zeros where there is none. */
  readonly info: Buffer
  /** General registers, struct user_regs_struct. */
  readonly registers: Buffer
  readonly sets: readonly { readonly set: RegisterSet; readonly bytes: Buffer }[]
}

/** sizeof(siginfo_t): Linux include/uapi/asm-generic/siginfo.h. */
export const SIGINFO_BYTES = 128
/** Threads with all their register sets; of further ones the bulky sets are left out, so that 10,000 threads stay below 10 MiB. */
const WHOLE_THREADS = 1024

/** Reads the registers of threads that stand still. One that has been killed meanwhile is left out. */
export function readThreads(
  stopped: ReadonlyMap<number, number>,
  machine: Machine,
  system: SystemCalls,
): ThreadState[] {
  const scratch = Buffer.alloc(Math.max(...machine.sets.map(({ most }) => most)))
  const read = (tid: number, type: number, most: number): Buffer => {
    const into = scratch.subarray(0, most)
    return Buffer.from(into.subarray(0, system.ptraceRead(PTRACE_GETREGSET, tid, type, into)))
  }
  const threads: ThreadState[] = []
  for (const [tid, signal] of stopped) {
    const registers = read(tid, NT_PRSTATUS, machine.registers)
    if (registers.length === 0) continue
    if (registers.length < machine.registers) throw new Unsupported(THIRTY_TWO_BIT)
    const info = Buffer.alloc(SIGINFO_BYTES)
    if (signal !== 0) system.ptraceRead(PTRACE_GETSIGINFO, tid, 0, info)
    const wanted = machine.sets.filter(({ bulky }) => !bulky || threads.length < WHOLE_THREADS)
    const sets = wanted.map((set) => ({ set, bytes: read(tid, set.type, set.most) }))
    threads.push({ tid, signal, info, registers, sets: sets.filter(({ bytes }) => bytes.length > 0) })
  }
  return threads
}
