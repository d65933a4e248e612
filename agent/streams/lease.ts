import { free } from './free.ts'

/**
 * Bytes that are lent, from a read to a frame, a seal, a socket and a store. Whoever holds the lease may read them until it releases it
 * or hands it on; then they are looked at no more, for by then they are others'. One that only some of the bytes are wanted of goes on
 * as a lease of those with the same `release`.
 *
 * It is released once. A second time does nothing, lest a buffer be lent to two; the pool of the tests throws. What is abandoned while
 * something may still write to it or read from it (a read that hangs, a socket that is not drained) is never released: it stays out of its
 * pool for good.
 */
export interface Lease {
  readonly bytes: Buffer
  /** Needs no `this`. */
  readonly release: () => void
}

/** Bytes that nobody wants back. */
export function unlent(bytes: Buffer): Lease {
  return { bytes, release: () => {} }
}

/** A stream of bytes that nobody wants back. */
export async function* allUnlent(stream: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Lease, void, void> {
  for await (const bytes of stream) yield unlent(bytes)
}

/** A lease that does something when it is released, the first time. */
export function leased(bytes: Buffer, onRelease: () => void): Lease {
  let out = true
  const release = () => {
    if (!out) return
    out = false
    onRelease()
  }
  return { bytes, release }
}

/** Lends pieces that lie one after another in memory of theirs: it is freed when all of it has come back. */
export function freedWhenBack(): (piece: Buffer) => Lease {
  const returned = new WeakMap<ArrayBufferLike, number>()
  return (piece) => {
    const { buffer, length } = piece
    return leased(piece, () => {
      const bytes = (returned.get(buffer) ?? 0) + length
      returned.set(buffer, bytes)
      if (bytes === buffer.byteLength) free(buffer)
    })
  }
}

/** Lends parts of what was lent to us: it goes back when `end` was said and all of them have come back. */
export class Shared {
  readonly #whole: Lease
  #out = 1

  constructor(whole: Lease) {
    this.#whole = whole
  }

  part(bytes: Buffer): Lease {
    this.#out += 1
    return leased(bytes, () => this.#back())
  }

  /** No part is lent after that. Once. */
  end(): void {
    this.#back()
  }

  #back(): void {
    this.#out -= 1
    if (this.#out === 0) this.#whole.release()
  }
}
