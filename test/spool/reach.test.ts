import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Reach } from '../../agent/spool/reach.ts'
import type { Pace } from '../../agent/store/pace.ts'
import { systemClock } from '../../agent/words/clock.ts'

const signal = new AbortController().signal
const patience = { silence: 100, most: 200, left: () => 600_000, hurry: signal }
/** Of a store that has 1000 bytes under way. */
const reachOf = (cautiousRate: number | undefined, more: Partial<typeof patience> = {}) =>
  new Reach({ ...patience, ...more }, { held: 1000, cautiousRate } as unknown as Pace, systemClock)
const slowly = async () => {
  await sleep(700)
  return 'done'
}

t.test('a store whose rate is known may take as long as its bytes need', async (t) => {
  t.equal(await reachOf(10).during(slowly, signal), 'done')
})

t.test('one of which nothing is known yet has its time, and half of what is left at most has any', async (t) => {
  const unknown = reachOf(undefined)
  await t.rejects(unknown.during(slowly, signal), { message: 'the store is out of reach' })
  t.ok(unknown.isAway)
  await t.rejects(reachOf(10, { left: () => 150 }).during(slowly, signal), { message: 'the store is out of reach' })
})
