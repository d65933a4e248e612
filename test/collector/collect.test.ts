import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { collect } from '../../agent/collector/collect.ts'
import type { Found } from '../../agent/collector/sources/source.ts'
import { CutError, plain } from '../../agent/frames/decode.ts'
import { SHORT_FRAMES_MAX } from '../../agent/frames/marker.ts'
import type { Lease } from '../../agent/streams/lease.ts'
import { inPieces, prefixOf } from '../frames/streams.ts'
import { lent, taken } from '../streams/poisoned.ts'

const { signal } = new AbortController()

/** An item whose content comes as `chunks` give it. */
function found(chunks: AsyncIterable<Buffer>): Found {
  const reading = { chunks: lent(chunks), outcome: () => ({}), async [Symbol.asyncDispose]() {} }
  return { source: 'facts', encoding: 'frames', open: async () => reading } as unknown as Found
}

t.test('what was read of a host that gives no more is not kept back, and is there when it is cut', async (t) => {
  async function* hanging() {
    yield Buffer.from('MemFree: 0 kB')
    await new Promise(() => {})
  }
  const collecting = collect(found(hanging()), 1e6, { kind: 'plain' }, signal, signal)
  const came = [await collecting.next(), await collecting.next()].map(({ value }) => taken(value as Lease))
  const { bytes, error } = await prefixOf(plain(inPieces(Buffer.concat(came), 1000), signal))
  t.equal(bytes.toString(), 'MemFree: 0 kB')
  t.ok(error instanceof CutError)
})

t.test('what comes in drops is not kept back for long, and becomes no more frames than a reader takes', async (t) => {
  async function* dripping() {
    for (let drop = 0; drop < 50; drop++) {
      yield Buffer.from('drop ')
      await sleep(30)
    }
  }
  const collecting = collect(found(dripping()), 1e6, { kind: 'plain' }, signal, signal)
  const came: Buffer[] = []
  let step = await collecting.next()
  for (; step.done !== true; step = await collecting.next()) came.push(taken(step.value))
  const { bytes, error } = await prefixOf(plain(inPieces(Buffer.concat(came), 1000), signal))
  t.equal(error, undefined)
  t.equal(bytes.toString(), 'drop '.repeat(50))
  const { frames = 0 } = step.value
  t.ok(frames >= 5 && frames < SHORT_FRAMES_MAX, `${frames} frames`)
})

t.test('who was told to stop ends well, also on a host that hardly runs', async (t) => {
  const stop = new AbortController()
  async function* ending() {
    yield Buffer.from('what was read')
    await new Promise((resolve) => stop.signal.addEventListener('abort', resolve, { once: true }))
    for (let times = 0; times < 3; times++) {
      await sleep(5)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400)
    }
    yield Buffer.from(', and its end')
  }
  const collecting = collect(found(ending()), 1e6, { kind: 'plain' }, stop.signal, signal)
  const came = [await collecting.next(), await collecting.next()].map(({ value }) => taken(value as Lease))
  stop.abort()
  for (let step = await collecting.next(); step.done !== true; step = await collecting.next())
    came.push(taken(step.value))
  const { bytes, error } = await prefixOf(plain(inPieces(Buffer.concat(came), 1000), signal))
  t.equal(error, undefined)
  t.equal(bytes.toString(), 'what was read, and its end')
})
