import { formatBytes } from '../../words/units.ts'

/**
 * How many times as large as in the store something may become here. Cores and journals compress 3 to 50 times; what
 * compresses more is nearly all zeros or lines that repeat, and zstd reaches 20,000.
 */
const RATIO = 100
/**
 * What all may become all the same, in bytes: small programs have that much memory, and to write it takes a few seconds of
 * a slow processor.
 */
const FREELY = 512 * 1024 ** 2

/** Something that was not taken because it is more than it may be. Trying again changes nothing. */
export class TooLargeError extends Error {
  /** Whether it is more than its receipt says, and not only more than a bundle may become here. */
  readonly beyondReceipt: boolean
  constructor(message: string, beyondReceipt: boolean) {
    super(message)
    this.name = 'TooLargeError'
    this.beyondReceipt = beyondReceipt
  }
}

/** What is known of an artifact that is to be expanded, in bytes. */
export interface Expansion {
  readonly stored: number
  /** What its receipt says it holds; undefined where none does. */
  readonly told: number | undefined
}

/**
 * What the artifacts of one command may become, each and all together: RATIO times what they take in the store, and FREELY
 * in any case; or `most`, where a person has named it. Zeros count, though they take no disk as holes: every tool that
 * reads such a file reads them.
 */
export class Allowance {
  readonly #most: number | undefined
  readonly #advice: string
  #left: number

  constructor(artifacts: readonly Expansion[], most: number | undefined) {
    const sum = (field: 'stored' | 'told') => artifacts.reduce((bytes, artifact) => bytes + (artifact[field] ?? 0), 0)
    this.#most = most
    this.#left = most ?? allowed(sum('stored'))
    const told = sum('told')
    const enough = Number.isSafeInteger(told) && told > this.#left
    this.#advice = enough ? `--max-size ${roundedUp(told)} takes all of it` : '--max-size SIZE allows more'
  }

  /** Begins with an artifact. Throws TooLargeError where its receipt alone says that it is too large. */
  begin({ stored, told }: Expansion): Meter {
    const limit = this.#most ?? allowed(stored)
    const meter = new Meter(this, limit, told)
    if (told !== undefined) meter.check(told)
    return meter
  }

  /** Bytes that all together may still become. */
  get left(): number {
    return this.#left
  }

  /** Counts bytes, back where they are less than 0. */
  count(bytes: number): void {
    this.#left -= bytes
  }

  /** The error for what is more than `limit`. */
  refusal(limit: number, told: number | undefined): TooLargeError {
    const holds = told === undefined ? `it holds more than ${formatBytes(limit)}` : `it holds ${formatBytes(told)}`
    const rule =
      this.#most === undefined
        ? `what a bundle becomes here is at most ${RATIO} times its size in the store, or ${formatBytes(FREELY)}`
        : `all together may become ${formatBytes(this.#most)}`
    return new TooLargeError(`${holds}, and ${rule}: ${this.#advice}`, false)
  }
}

/** Counts what one artifact becomes. */
export class Meter {
  readonly #allowance: Allowance
  readonly #limit: number
  readonly #told: number | undefined
  #taken = 0

  constructor(allowance: Allowance, limit: number, told: number | undefined) {
    this.#allowance = allowance
    this.#limit = limit
    this.#told = told
  }

  /** Most bytes that the artifact may still become. */
  get left(): number {
    const limit = Math.min(this.#limit, this.#told ?? Infinity)
    return Math.min(limit - this.#taken, this.#allowance.left)
  }

  /** Throws TooLargeError where so many bytes more are not allowed. */
  check(bytes: number): void {
    if (this.#taken + bytes > (this.#told ?? Infinity))
      throw new TooLargeError(`it holds more than the ${this.#told} bytes that its receipt says`, true)
    if (bytes <= this.left) return
    throw this.#allowance.refusal(Math.min(this.#limit, this.#taken + this.#allowance.left), this.#told)
  }

  /** Counts so many bytes more. Throws TooLargeError where they are too many. */
  take(bytes: number): void {
    this.check(bytes)
    this.#taken += bytes
    this.#allowance.count(bytes)
  }

  /** Begins anew: what was taken so far is given back. */
  restart(): void {
    this.#allowance.count(-this.#taken)
    this.#taken = 0
  }
}

/** The same chunks, counted as they pass. Throws TooLargeError before the first that is too much. */
export async function* metered(chunks: AsyncIterable<Buffer>, meter: Meter): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    meter.take(chunk.length)
    yield chunk
  }
}

function allowed(stored: number): number {
  return Math.max(FREELY, RATIO * stored)
}

/** A size for the command line that is no less: `5GiB`. */
function roundedUp(bytes: number): string {
  return `${Math.ceil(bytes / 1024 ** 3)}GiB`
}
