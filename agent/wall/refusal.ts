import type { Because } from '../words/evidence.ts'

/** An answer that is no: with who is behind it, for the receipt. */
export class Refusal extends Error {
  readonly because: Because
  constructor(because: Because, reason: string) {
    super(reason)
    this.because = because
  }
}
