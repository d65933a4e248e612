interface Cut extends ErrorOptions {
  readonly plainBytes: number
  readonly contentWhole: boolean
}

/** The stored stream ends too early. All that was yielded before is good; of an ordinary zstd file it is unverified. */
export class CutError extends Error {
  /** Plain bytes yielded before: the length of the intact prefix. */
  readonly plainBytes: number
  /** Nothing of the content is missing, and it matched its digest: only the seek table behind it was lost. */
  readonly contentWhole: boolean
  constructor(message: string, { plainBytes, contentWhole, ...options }: Cut) {
    super(message, options)
    this.name = 'CutError'
    this.plainBytes = plainBytes
    this.contentWhole = contentWhole
  }
}

interface Damage extends ErrorOptions {
  readonly plainBytes: number
  readonly storedOffset: number
}

/** The stored bytes are not what was written. What was yielded before is as good as before a CutError. */
export class DamageError extends Error {
  /** Plain bytes yielded before. */
  readonly plainBytes: number
  /** Where in the stored stream the trouble begins: `wholeFrames` of find.ts looks for a frame behind it. */
  readonly storedOffset: number
  constructor(message: string, { plainBytes, storedOffset, ...options }: Damage) {
    super(message, options)
    this.name = 'DamageError'
    this.plainBytes = plainBytes
    this.storedOffset = storedOffset
  }
}
