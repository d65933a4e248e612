import { frames } from '../frames/encode.ts'
import { parseRecipient } from '../seal/keys.ts'
import { sealed } from '../seal/seal.ts'
import { endingWith } from '../streams/ending-with.ts'
import type { Lease } from '../streams/lease.ts'
import type { Taken } from '../wall/answers.ts'
import { afterOwn, OwnTime } from '../words/own-time.ts'
import type { Clearance } from './clearance.ts'
import { passing } from './host/passing.ts'
import { LINGER_MS, lingering } from './lingering.ts'
import type { Found } from './sources/source.ts'

/**
 * One item on its way out: source → frames → seal. Yields what is to be stored, returns how it went.
 * `stop` ends the reading early and well: the frames and the seal are closed over what was read. `signal` ends everything.
 */
export async function* collect(
  found: Found,
  limit: number,
  cleared: Exclude<Clearance, { kind: 'closed' }>,
  stop: AbortSignal,
  signal: AbortSignal,
): AsyncGenerator<Lease, Taken, void> {
  const started = performance.now()
  const reading = await found.open(limit, AbortSignal.any([stop, signal]))
  using time = new OwnTime()
  try {
    let bytesIn = 0
    let failed: Error | undefined
    const chunks = passing(until(reading.chunks, stop, time), ({ length }) => {
      bytesIn += length
    })
    const readable = surviving(chunks, (error) => {
      failed = error
    })
    const framing = found.encoding === 'frames' ? frames(lingering(readable, LINGER_MS), {}, signal) : undefined
    const framed = framing?.stored ?? readable
    yield* cleared.kind === 'sealed' ? sealed(framed, cleared.recipients.map(parseRecipient), signal) : framed
    const outcome = reading.outcome()
    const truncated = (stop.aborted ? STOPPED : failed?.message) ?? outcome.truncated
    return {
      bytesIn,
      ms: performance.now() - started,
      ...(framing && { frames: framing.summary().frames }),
      ...(truncated !== undefined && { truncated }),
      ...(outcome.identity && { identity: outcome.identity }),
    }
  } finally {
    // A reading that hangs must not keep what asked for it: closing goes on alone.
    Promise.resolve(reading[Symbol.asyncDispose]()).catch(() => {})
  }
}

const STOPPED = 'the reading was stopped early'

/** ms, of which this process was run, that a source which was told to stop gets to end by itself: to close its tar, say. */
const ENDING_MS = 500

/** The chunks until a moment after `stop` aborts; a read that hangs then is left behind. */
async function* until(
  chunks: AsyncIterable<Lease>,
  stop: AbortSignal,
  time: OwnTime,
): AsyncGenerator<Lease, void, void> {
  const late = new AbortController()
  let cancel = () => {}
  const onStop = () => {
    cancel = afterOwn(ENDING_MS, time, () => late.abort())
  }
  if (stop.aborted) onStop()
  else stop.addEventListener('abort', onStop, { once: true })
  try {
    yield* endingWith(chunks, late.signal)
  } catch (error) {
    if (!late.signal.aborted) throw error
  } finally {
    cancel()
    stop.removeEventListener('abort', onStop)
  }
}

/** Ends where the source fails: what was read before is worth keeping. */
async function* surviving(
  chunks: AsyncIterable<Lease>,
  onError: (error: Error) => void,
): AsyncGenerator<Lease, void, void> {
  try {
    yield* chunks
  } catch (error) {
    onError(error instanceof Error ? error : new Error(String(error)))
  }
}
