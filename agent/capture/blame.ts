import { StoreError } from '../store/store.ts'
import { CollectorError } from '../wall/collector.ts'
import { sentence } from '../words/cannot.ts'
import type { Because } from '../words/evidence.ts'

/** Who is behind it that something is not whole, and why, in a sentence. */
export interface Blame {
  readonly because: Because
  readonly reason: string
}

/** An item ended before it had given anything: it can be tried again, for nothing of it is stored. */
export class NothingCame extends Error {
  readonly blame: Blame
  constructor(blame: Blame) {
    super(blame.reason)
    this.name = 'NothingCame'
    this.blame = blame
  }
}

/** Who is behind an error, and what it says. */
export function failure(error: unknown): Blame {
  if (error instanceof CollectorError) return { because: error.because, reason: error.message }
  if (error instanceof StoreError) return { because: 'store', reason: error.message }
  if (error instanceof NothingCame) return error.blame
  return { because: 'deadline', reason: sentence(error) }
}

/** Where an item was stopped and then could not be stored either, both are told. */
export function blamed(stopped: Blame | undefined, failed: Blame): Blame {
  if (stopped === undefined || stopped.reason === failed.reason) return failed
  return { ...stopped, reason: `${stopped.reason}; ${failed.reason}` }
}
