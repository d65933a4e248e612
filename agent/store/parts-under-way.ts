import type { Deadline } from '../words/deadline.ts'
import { sendsAlone } from './fit.ts'
import type { Gathered } from './gather.ts'
import type { Store, StoreError, Upload } from './store.ts'
import { copy, type Sums, update } from './sums.ts'
import type { Place } from './window.ts'

/** What all segments of one stream share. */
export interface Stream {
  readonly store: Store
  readonly parts: AsyncGenerator<Gathered, void>
  readonly inFlight: number
  readonly partsPerSegment: number
  /** Ends `parts` when the store has failed. */
  readonly stop: AbortController
  /** When the sending ends. */
  readonly until: Deadline
  /** The hard end. */
  readonly signal: AbortSignal
}

/** The parts of one segment on their way, how far they have come, and the sums up to where it may have to end. */
export class PartsUnderWay {
  readonly #stream: Stream
  readonly #upload: Upload
  /** Over all that was sent. */
  readonly #sums: Sums
  readonly #flying = new Set<Promise<void>>()
  /** Behind the leading ones. */
  readonly #landed = new Set<number>()
  /** The sums up to each part from the last of the leading ones that have landed: where a failure may make us end. */
  readonly #marks = new Map<number, Sums & { readonly bytes: number }>()
  #sent = 0
  #bytes = 0
  #leading = 0
  #failure: StoreError | undefined

  constructor(stream: Stream, upload: Upload, sums: Sums) {
    this.#stream = stream
    this.#upload = upload
    this.#sums = sums
  }

  get sent(): number {
    return this.#sent
  }

  /** How many have landed without a gap. */
  get leading(): number {
    return this.#leading
  }

  /** Of the first part that failed; the stream has been stopped with it. */
  get failure(): StoreError | undefined {
    return this.#failure
  }

  /** Waits for room for one more part: in the store's window, and among ours. Rejects when the time to send ends. */
  async room(): Promise<Place> {
    const { store, inFlight, until } = this.#stream
    while (this.#flying.size >= inFlight) await Promise.race(this.#flying)
    return await store.pace.window.room(() => (sendsAlone(store.pace) ? 1 : Number.POSITIVE_INFINITY), until.signal)
  }

  send(part: Gathered, place: Place): void {
    const number = ++this.#sent
    update(this.#sums, part.bytes)
    this.#bytes += part.bytes.length
    this.#marks.set(number, { ...copy(this.#sums), bytes: this.#bytes })
    place.sends(part.bytes.length)
    const flight = this.#upload
      .part(number, part.bytes, this.#stream.until.signal)
      .then(
        () => {
          place.landed()
          part.release()
          this.#landed.add(number)
          while (this.#landed.delete(this.#leading + 1)) this.#marks.delete(this.#leading++)
        },
        (thrown: StoreError) => {
          this.#failure ??= thrown
          this.#stream.stop.abort(thrown)
        },
      )
      .finally(() => {
        place.leave()
        this.#flying.delete(flight)
      })
    this.#flying.add(flight)
  }

  /** Resolves when none is under way. */
  async settled(): Promise<void> {
    await Promise.all(this.#flying)
  }

  /** The sums over the first `bytes`, where a part ends there that was sent. */
  sumsUpTo(bytes: number): Sums | undefined {
    return [...this.#marks.values()].find((mark) => mark.bytes === bytes)
  }
}
