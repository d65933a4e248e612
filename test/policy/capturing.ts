import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import { capture } from '../../agent/capture/capture.ts'
import type { Ended } from '../../agent/capture/open-bundle.ts'
import { checkStore } from '../../agent/check/check-store.ts'
import { PART_BYTES } from '../../agent/store/part-bytes.ts'
import type { Store } from '../../agent/store/store.ts'
import { collectorAt } from '../../agent/wall/client.ts'
import { chunks, collectorOf, item, source } from '../collector/synthetic.ts'

/** More than two parts, so that there is a first, a middle and a last one. */
const LARGE = 2 * PART_BYTES + 4321

/** A capture by the engine itself, of a small artifact and one in parts, from opening to row. */
export async function captureTo(t: Test, store: Store, identity: string): Promise<Ended> {
  const large = randomBytes(LARGE)
  async function* inPieces() {
    for (let at = 0; at < LARGE; at += 1_000_000) yield large.subarray(at, at + 1_000_000)
  }
  const { socket } = await collectorOf(t, [
    source('facts', [item('facts', () => chunks('facts'), { phase: 'facts', source: 'facts' })]),
    source('cores', [item('cores/large', inPieces, { bytes: LARGE })]),
  ])
  const request = {
    ...({ trigger: 'manual', deadline: 120_000, hold: 10_000, identity, agent: '0' } as const),
    ...{ host: { name: identity, kernel: '6.1', arch: 'x64' }, labels: {}, recipients: [], problems: [] },
  }
  return await capture(request, { collector: collectorAt(socket), store }, AbortSignal.timeout(150_000))
}

/** What a host may ever ask of its store: `lastgasp check`, and a capture. Says which of it was not done. */
export async function allThatHostsDo(t: Test, store: Store, identity: string): Promise<string[]> {
  const findings = await checkStore(store, identity, AbortSignal.timeout(60_000))
  const bad = findings.filter(({ verdict }) => verdict === 'bad').map(({ says }) => says)
  try {
    const { manifest } = await captureTo(t, store, identity)
    const lacking = manifest.receipts.filter(({ status }) => status !== 'complete')
    return [...bad, ...lacking.map(({ artifact, reason }) => `${artifact}: ${reason}`)]
  } catch (error) {
    return [...bad, (error as Error).message]
  }
}
