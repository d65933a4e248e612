import type { Module } from './modules.ts'

/** One frame of a thread's stack, innermost first: only what the processor holds, no inlined ones. */
export interface Frame {
  /** Program counter: of the innermost frame and of one that a signal interrupted that of the instruction itself, else a return address. */
  readonly pc: number
  /** Stack pointer in this frame. */
  readonly sp: number
  /**
   * `first`: where the thread is. `return`: where a call returns to. `signal`: the code that a signal handler returns to, which gdb shows as
   * `<signal handler called>`. `interrupted`: where the thread was when that signal came.
   */
  readonly kind: 'first' | 'return' | 'signal' | 'interrupted'
  /** How it was found. */
  readonly by: FoundBy
  /** An address within the instruction that it is at: what files, functions and mappings are looked up by. `pc`, or one less. */
  readonly at: number
  /** What file `at` lies in; undefined for code that is in none: a just-in-time compiler's, or nothing at all. */
  readonly module?: Module
  /** `at` as an address of the file's own (st_value, p_vaddr): where there is a module. */
  readonly address?: number
}

/**
 * `first`: the thread's registers. `cfi`: call frame information of the file. `pclntab`: Go's own table. `frame-pointer`: rbp or x29.
 * `sigreturn`: known by its instructions. `epilogue`: by what the code will do until it returns. `call`: the word at the stack pointer, where a call led to nowhere.
 */
export type FoundBy = 'first' | 'cfi' | 'pclntab' | 'frame-pointer' | 'sigreturn' | 'epilogue' | 'call'

/** Why the frames of a thread end. */
export interface StackEnd {
  /**
   * `outermost`: it is whole. `limit`: there are more frames than are given. `not-growing`: the next frame would not lie further up.
   * `unreadable`: the stack at `address` is not at hand. `lost`: nothing tells how to go on from the code at `address`.
   */
  readonly why: 'outermost' | 'limit' | 'not-growing' | 'unreadable' | 'lost'
  readonly address?: number
}

/** The stack of one thread. */
export interface Unwound {
  readonly frames: readonly Frame[]
  readonly end: StackEnd
  /** Files whose information could not be used, one sentence each, as told by `Damaged`: frames were found without it, or not. */
  readonly damaged: readonly string[]
}

/** The function that a frame is in. Names are added afterwards: names/names.ts. */
export interface FrameName {
  readonly function: string
  /** Bytes from the function's start to the frame's pc. */
  readonly offset: number
  readonly source: 'symtab' | 'dynsym' | 'pclntab' | 'perf-map'
}

/** A frame, and the function that it is in, where something names it. */
export interface NamedFrame extends Frame {
  readonly name?: FrameName
}
