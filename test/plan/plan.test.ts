import t from 'tap'
import { artifactBudget, divide } from '../../agent/plan/budget.ts'
import { ASSUMED_RATES, bytesWithin, costOf, observed } from '../../agent/plan/cost.ts'
import { makePlan } from '../../agent/plan/plan.ts'
import type { ListedItem } from '../../agent/words/evidence.ts'
import { seeded } from '../random.ts'

const MiB = 1024 * 1024

function item(name: string, over: Partial<ListedItem> = {}): ListedItem {
  return {
    id: name,
    source: 'cores',
    name,
    class: 'memory',
    phase: 'stored',
    encoding: 'frames',
    bytes: 10 * MiB,
    ratio: 0.5,
    value: 500,
    identity: {},
    sealed: true,
    ...over,
  }
}

t.test(
  'facts first, then small valuable things, then what does not fit whole, then what does not fit at all',
  async (t) => {
    const items = [
      item('cores/huge', { bytes: 100_000 * MiB, value: 900 }),
      item('cores/closed', { closed: 'no recipient' }),
      item('journal/small', { bytes: MiB, value: 300 }),
      item('cores/big', { bytes: 1000 * MiB, value: 900 }),
      item('facts', { phase: 'facts', bytes: 4 * MiB, value: 1 }),
    ]
    const plan = makePlan(items, 60_000, ASSUMED_RATES)
    t.strictSame(
      plan.map((planned) => [planned.item.name, planned.decision]),
      [
        ['facts', 'take'],
        ['journal/small', 'take'],
        ['cores/big', 'take'],
        ['cores/huge', 'degrade'],
        ['cores/closed', 'skip'],
      ],
    )
    t.match(plan[3]?.reason, /^needs about 1000 s, \d+ s are left$/)
    t.equal(plan[4]?.reason, 'no recipient')
  },
)

t.test('any inventory: every item once, phases in order, never more than the time, the same plan again', async (t) => {
  const random = seeded(7)
  for (let round = 0; round < 500; round++) {
    const items = Array.from({ length: Math.floor(random() * 40) }, (_, n) =>
      item(`x/${n}`, {
        phase: random() < 0.1 ? 'facts' : random() < 0.3 ? 'live' : 'stored',
        bytes: Math.floor(random() ** 4 * 2 ** 36),
        ratio: random() < 0.5 ? 1 : random(),
        value: 1 + random() * 1000,
        ...(random() < 0.1 && { closed: 'closed' }),
      }),
    )
    const ms = random() * 120_000
    const plan = makePlan(items, ms, ASSUMED_RATES)
    t.strictSame(new Set(plan.map((planned) => planned.item)), new Set(items))
    t.equal(plan.length, items.length)
    const phases = plan.map((planned) => ['facts', 'live', 'stored'].indexOf(planned.item.phase))
    t.strictSame(phases, phases.toSorted())
    const spent = plan
      .filter(({ decision }) => decision !== 'skip')
      .reduce((sum, planned) => sum + costOf(planned.item, planned.limit, ASSUMED_RATES).ms, 0)
    t.ok(spent <= ms + plan.length, `${spent} ms planned of ${ms}`)
    for (const { item: of, decision, limit, reason } of plan) {
      if (of.bytes > 0 && (decision === 'take') !== (limit === of.bytes))
        t.fail(`${decision} with ${limit} of ${of.bytes} bytes`)
      if ((decision === 'take') !== (reason === undefined)) t.fail(`${decision} because of ${reason}`)
      if (of.closed !== undefined && decision !== 'skip') t.fail('a closed class was planned')
    }
    t.strictSame(makePlan(items.toReversed(), ms, ASSUMED_RATES), plan)
  }
})

t.test('costs and what fits agree with each other', async (t) => {
  const big = item('x', { bytes: 2 ** 40, ratio: 0.3 })
  for (const ms of [0, 100, 300, 301, 5000, 90_000])
    t.ok(costOf(big, bytesWithin(big, ms, ASSUMED_RATES), ASSUMED_RATES).ms <= Math.max(ms, 300) + 1)
  t.equal(bytesWithin(big, 300, ASSUMED_RATES), 0)
  t.equal(bytesWithin(item('y'), 1e9, ASSUMED_RATES), 10 * MiB)
})

t.test('holes cost next to nothing, and tell nothing of rates', async (t) => {
  const sparse = item('sparse', { bytes: 64 * 1024 * MiB, holes: 64 * 1024 * MiB - MiB, ratio: 0.00005 })
  const dense = item('dense', { bytes: 64 * 1024 * MiB, ratio: 0.3 })
  t.ok(costOf(sparse, sparse.bytes, ASSUMED_RATES).ms < 2_000)
  t.ok(costOf(dense, dense.bytes, ASSUMED_RATES).ms > 300_000)
  t.match(makePlan([sparse], 5_000, ASSUMED_RATES), [{ decision: 'take' }])
  t.equal(bytesWithin(sparse, 5_000, ASSUMED_RATES), sparse.bytes)
  const seen = {
    bytesIn: 64 * 1024 * MiB,
    bytesStored: 32 * MiB,
    ms: 1_000,
    item: { holes: 64 * 1024 * MiB - 100 * MiB },
  }
  t.equal(observed(ASSUMED_RATES, seen).read, 150 * MiB)
})

t.test('rates follow what is seen, and ignore what is too small to tell', async (t) => {
  const slow = { bytesIn: 64 * MiB, bytesStored: 32 * MiB, ms: 32_000 }
  t.ok(observed(ASSUMED_RATES, slow).store < ASSUMED_RATES.store)
  t.equal(observed(ASSUMED_RATES, { ...slow, bytesStored: 100 }), ASSUMED_RATES)
})

t.test('time is divided so that the end is kept', async (t) => {
  for (const total of [5_000, 30_000, 90_000, 1_800_000]) {
    const { live, inventory, opening, reserve } = divide(total, 10_000)
    t.ok(inventory < live, 'a source that hangs leaves time for what the others have found')
    t.ok(live <= 10_000 && live + reserve < total && opening + reserve < total && reserve > 0)
  }
  t.equal(divide(90_000, 10_000).inventory, 4_000)
  t.equal(divide(240_000, 60_000).inventory, 15_000, 'a slow host has more, where there is more')
  t.equal(artifactBudget(1_000, 5_000, 0), 5_000)
  t.equal(artifactBudget(1_000, 90_000, 0), 90_000, 'the last one may take all that is left')
  t.equal(artifactBudget(1_000, 90_000, 20_000), 50_000, 'others are left twice their time')
  t.equal(artifactBudget(1_000, 90_000, 80_000), 14_000, 'and nobody gets less than its slack')
  t.equal(artifactBudget(1_000, -3, 0), 0)
})
