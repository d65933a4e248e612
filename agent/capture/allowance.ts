import type { Lease } from '../streams/lease.ts'
import { formatBytes } from '../words/units.ts'
import type { Blame } from './blame.ts'

/** What a bundle may take of its store, and has taken so far. Its documents are not counted: they are what makes the rest worth something. */
export class Allowance {
  readonly #limit: number
  readonly #shares = new Set<Share>()
  #taken = 0

  /** `limit` in bytes. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Bytes that nobody has, and nobody who is at it is expected to take. */
  get left(): number {
    const promised = [...this.#shares].reduce((sum, { promised }) => sum + promised, 0)
    return Math.max(0, this.#limit - this.#taken - promised)
  }

  get blame(): Blame {
    return { because: 'limit', reason: `bundle.limit is ${formatBytes(this.#limit)} in all` }
  }

  /** What one artifact may take that is expected to be as long: as much, and what is left. */
  share(expected: number): Share {
    const share = new Share(expected, (bytes) => {
      this.#taken += bytes
      return this.left
    })
    this.#shares.add(share)
    return share
  }

  /** It takes no more. */
  end(share: Share): void {
    this.#shares.delete(share)
  }
}

export class Share {
  readonly #expected: number
  readonly #take: (bytes: number) => number
  readonly #full = new AbortController()
  #taken = 0

  /** `take` is told of bytes and says how many are left that are promised to nobody. */
  constructor(expected: number, take: (bytes: number) => number) {
    this.#expected = expected
    this.#take = take
  }

  /** Bytes that it is expected to take yet. */
  get promised(): number {
    return Math.max(0, this.#expected - this.#taken)
  }

  /** Ends when it has taken all: it is to end well, and is longer by the end of its frames and its seal. */
  get full(): AbortSignal {
    return this.#full.signal
  }

  /** The same, and what passes is counted. */
  async *counted(pieces: AsyncIterable<Lease>): AsyncGenerator<Lease, void, void> {
    for await (const piece of pieces) {
      this.#taken += piece.bytes.length
      if (this.#take(piece.bytes.length) === 0 && this.#taken >= this.#expected) this.#full.abort()
      yield piece
    }
  }
}
