import { type Lease, unlent } from '../streams/lease.ts'
import type { Taken } from '../wall/answers.ts'
import { NothingCame } from './blame.ts'
import type { Paced } from './pace.ts'

/** A seal's header with some recipients, and the frames of an archive in which there is nothing. */
const HEAD_BYTES = 16 * 1024

/**
 * What an item gives, held back until it is something. When it ends before its first byte, and not because it is empty, this throws
 * NothingCame; what fails is passed on as it is, together with what it gave unless that is the mere head of a `sealed` one. `said` is
 * the collector's word on it.
 */
export async function* somethingOf(
  { stored, stopped }: Paced,
  sealed: boolean,
  said: () => Promise<Taken>,
): AsyncGenerator<Lease, void, void> {
  let head: Buffer[] | undefined = []
  let bytes = 0
  try {
    for await (const piece of stored) {
      if (head === undefined) {
        yield piece
        continue
      }
      // What is kept must not keep from being read what comes next.
      head.push(Buffer.from(piece.bytes))
      bytes += piece.bytes.length
      piece.release()
      if (bytes <= HEAD_BYTES) continue
      const whole = Buffer.concat(head)
      head = undefined
      yield unlent(whole)
    }
  } catch (error) {
    if (head !== undefined && !sealed) yield unlent(Buffer.concat(head))
    throw error
  }
  if (head === undefined) return
  const taken = await said().catch(() => undefined)
  const { truncated } = taken ?? {}
  const cut = stopped() ?? (truncated === undefined ? undefined : { because: 'host' as const, reason: truncated })
  if (taken?.bytesIn === 0 && cut !== undefined) throw new NothingCame(cut)
  yield unlent(Buffer.concat(head))
}
