/**
 * Why something sealed could not be opened. `cut`: it ends too early. `damaged`: bytes are not what was written.
 * `malformed`: it is no age file. `no-identity`: none of the identities fits.
 */
export type SealFailure = 'cut' | 'damaged' | 'malformed' | 'no-identity'

interface Failure extends ErrorOptions {
  /** Plain bytes that were authentic before. */
  readonly plainBytes?: number
}

/** All that was yielded before this is authentic. */
export class SealError extends Error {
  readonly failure: SealFailure
  /** Plain bytes yielded before. */
  readonly plainBytes: number
  constructor(failure: SealFailure, message: string, { plainBytes = 0, ...options }: Failure = {}) {
    super(message, options)
    this.name = 'SealError'
    this.failure = failure
    this.plainBytes = plainBytes
  }
}
