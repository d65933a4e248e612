import type { Unwound } from './frame.ts'
import type { Modules } from './modules.ts'

/** Frames of one thread at most; also what a stack costs that leads in a circle. */
export const MOST_FRAMES = 256

/** Memory that is at hand, as pieces: stacks, and the vdso. Fills the buffer from `address` on, and gives how many bytes it had. */
export type ReadMemory = (address: number, into: Buffer) => number

/** The registers of a thread: struct user_regs_struct of its architecture (NT_PRSTATUS without its head, PTRACE_GETREGSET). */
export interface ThreadRegisters {
  readonly tid: number
  readonly registers: Buffer
  /** arm64: what NT_ARM_PAC_MASK says, the mask of data addresses, then that of code. */
  readonly pacMask?: Buffer
}

/** The process whose threads are unwound. */
export interface UnwindProcess {
  readonly arch: 'x64' | 'arm64'
  readonly memory: ReadMemory
  readonly modules: Modules
}

/**
 * The frames of a thread, innermost first. Registers and memory are of a moment and at hand, so they are read at once; files are read by
 * pages, so it waits for those, until the signal aborts: that rejects with its reason, and nothing else does.
 */
export type Unwind = (process: UnwindProcess, thread: ThreadRegisters, signal: AbortSignal) => Promise<Unwound>
