import type { Seen } from './seen.ts'

/** Of what is no file, and of what could not be looked at: those that are told one by one before the rest is a number. */
export const MOST_TOLD = 16

/** What a walk has come to. */
export interface Walked {
  readonly files: readonly Seen[]
  /** What is no regular file: never opened. */
  readonly strange: readonly { readonly path: string; readonly what: string; readonly seen: Seen }[]
  readonly strangeCount: number
  readonly problems: readonly Problem[]
  readonly problemCount: number
}

/** Something that was not looked at, or not all of it. */
export interface Problem {
  readonly path: string
  readonly reason: string
  readonly because: 'host' | 'limit' | 'deadline'
}
