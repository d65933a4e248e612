import t from 'tap'
import {
  artifactBudget,
  divide,
  FORCED_WITHIN,
  LEAST_MS,
  roomOf,
  SECOND_PATIENCE,
  sendingBudget,
} from '../../agent/plan/budget.ts'
import { ASSUMED_RATES, bytesWithin, costOf, observed } from '../../agent/plan/cost.ts'
import { byCost, makePlan, seconds } from '../../agent/plan/plan.ts'
import type { ListedItem } from '../../agent/words/evidence.ts'
import { seeded } from '../random.ts'

const MiB = 1024 * 1024
/** Applications wait as long as anybody. */
const only = (ms: number) => ({ live: ms, all: ms })

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
    const plan = makePlan(items, only(60_000), ASSUMED_RATES)
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
    const room = { all: ms, live: ms * random() }
    const plan = makePlan(items, room, ASSUMED_RATES)
    t.strictSame(new Set(plan.map((planned) => planned.item)), new Set(items))
    t.equal(plan.length, items.length)
    const phases = plan.map((planned) => ['facts', 'live', 'stored'].indexOf(planned.item.phase))
    t.strictSame(phases, phases.toSorted())
    const spent = (some: typeof plan) =>
      some
        .filter(({ decision }) => decision !== 'skip')
        .reduce((sum, planned) => sum + costOf(planned.item, planned.limit, ASSUMED_RATES).ms, 0)
    if (spent(plan) > ms + plan.length) t.fail(`${spent(plan)} ms planned of ${ms}`)
    const live = plan.filter((planned) => planned.item.phase !== 'stored')
    if (spent(live) > room.live + live.length)
      t.fail(`${spent(live)} ms planned of ${room.live} while applications wait`)
    for (const { item: of, decision, limit, reason } of plan) {
      if (of.bytes > 0 && (decision === 'take') !== (limit === of.bytes))
        t.fail(`${decision} with ${limit} of ${of.bytes} bytes`)
      if ((decision === 'take') !== (reason === undefined)) t.fail(`${decision} because of ${reason}`)
      if (of.closed !== undefined && decision !== 'skip') t.fail('a closed class was planned')
    }
    t.strictSame(makePlan(items.toReversed(), room, ASSUMED_RATES), plan)
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
  t.strictSame(costOf({ ...sparse, holes: sparse.bytes, ratio: 0 }, sparse.bytes, ASSUMED_RATES), {
    bytesStored: 0,
    ms: 1_393,
  })
  t.strictSame(costOf(item('half', { holes: 5 * MiB, ratio: 0 }), 10 * MiB, ASSUMED_RATES), { bytesStored: 0, ms: 326 })
  t.ok(costOf(dense, dense.bytes, ASSUMED_RATES).ms > 300_000)
  const [slow, few] = [
    { read: 1, store: 1 },
    { bytes: 10, ratio: 0 },
  ]
  t.equal(costOf(item('none', few), 10, slow).ms, 10_300)
  t.equal(costOf(item('more than there is', { ...few, holes: 20 }), 10, slow).ms, 334)
  t.match(makePlan([sparse], only(5_000), ASSUMED_RATES), [{ decision: 'take' }])
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

t.test('what fits exactly is taken whole, a byte more is not', async (t) => {
  const exact = item('x', { bytes: 200 * MiB, ratio: 0 })
  t.match(makePlan([exact], only(1_300), ASSUMED_RATES), [{ decision: 'take', limit: 200 * MiB }])
  t.match(makePlan([exact], only(1_299), ASSUMED_RATES), [{ decision: 'skip', limit: 0 }])
})

t.test('a prefix is worth its requests from 256 KiB in the store on', async (t) => {
  const rates = { read: 2 ** 40, store: MiB }
  const big = item('x', { bytes: 100 * MiB, ratio: 0.5 })
  t.match(makePlan([big], only(550), rates), [{ decision: 'degrade', limit: MiB / 2 }])
  t.match(makePlan([big], only(549), rates), [{ decision: 'skip', limit: 0 }])
  t.match(makePlan([item('x', { closed: 'no recipient' })], only(550), rates), [{ decision: 'skip', limit: 0 }])
})

t.test('milliseconds are said with a digit after the point up to ten seconds', async (t) => {
  t.strictSame([0, 440, 9_949, 10_000, 41_400].map(seconds), ['0.0 s', '0.4 s', '9.9 s', '10 s', '41 s'])
})

t.test('a forced end leaves most of its two seconds for the manifest', async (t) => {
  t.ok(FORCED_WITHIN.end < 2_000 && FORCED_WITHIN.end > 1_500)
  t.ok(
    0 < FORCED_WITHIN.sending &&
      FORCED_WITHIN.sending < FORCED_WITHIN.landing &&
      FORCED_WITHIN.landing < FORCED_WITHIN.end / 4,
  )
  t.strictSame({ LEAST_MS, SECOND_PATIENCE }, { LEAST_MS: 1_000, SECOND_PATIENCE: 2 })
})

t.test('what was seen counts as much as what was assumed, from eight MiB on', async (t) => {
  const rates = { read: 100 * MiB, store: 50 * MiB }
  const seen = { bytesIn: 16 * MiB, bytesStored: 8 * MiB, ms: 500 }
  t.strictSame(observed(rates, seen), { read: 66 * MiB, store: 33 * MiB })
  t.equal(observed(rates, { ...seen, bytesStored: 8 * MiB - 1 }), rates)
  t.equal(observed(rates, { ...seen, ms: 0 }), rates)
  t.strictSame(observed({ read: 0, store: 0 }, { ...seen, ms: 1e12 }), { read: 1, store: 1 }, 'never nothing')
})

t.test('time is divided so that the end is kept', async (t) => {
  for (const total of [2_000, 5_000, 30_000, 90_000, 300_000, 1_800_000]) {
    const budget = divide(total, 10_000)
    const { look, secondLook, live, opening, reserve, sending, lastSending, landing, lastLook, close } = budget
    t.ok(
      look > 0 && secondLook > 0 && look + secondLook <= live,
      'a source that hangs leaves time for what others have',
    )
    t.ok(live <= 10_000 && live + reserve < total && opening + reserve < total)
    t.ok(reserve > sending && sending > lastSending && lastSending > landing && landing > 0)
    t.ok(lastLook > 0 && close <= reserve - sending, 'what was stopped has closed its frames before the sending ends')
    t.strictSame(roomOf(budget), { live, all: total - reserve })
  }
  t.strictSame(roomOf(divide(10_000, 1_000_000)), { live: 3_000, all: 8_000 })
})

t.test('the numbers of the default deadline, and of a host that has more time', async (t) => {
  t.strictSame(divide(90_000, 10_000), {
    ...{ window: 15_000, total: 90_000, live: 10_000, look: 2_000, secondLook: 4_000, opening: 30_000, reach: 5_000 },
    ...{ witnesses: 4_500, why: 4_500, stall: 5_000, close: 1_500, pauses: [0, 1_000, 4_000] },
    ...{ reserve: 8_000, sending: 4_000, lastSending: 3_000, landing: 2_000, lastLook: 2_000 },
  })
  t.match(divide(300_000, 60_000), {
    ...{ live: 60_000, look: 12_000, secondLook: 24_000, opening: 110_000, witnesses: 15_000, why: 15_000 },
    ...{ stall: 300_000 * (1 / 18), close: 5_000, reserve: 15_000, sending: 7_500 },
  })
  t.match(divide(1_800_000, 10_000), { pauses: [0, 3_000, 12_000], stall: 60_000, reserve: 30_000, close: 11_250 })
  t.match(divide(10_000, 10_000), { live: 3_000, look: 1_200, secondLook: 1_800, stall: 2_500, reserve: 2_000 })
  t.match(divide(10_000, 10_000), { close: 750, witnesses: 4_000, why: 4_000 })
})

t.test('what one artifact may take, and its sending', async (t) => {
  t.equal(artifactBudget(1_000, 5_000, 0), 5_000)
  t.equal(artifactBudget(1_000, 90_000, 0), 90_000, 'the last one may take all that is left')
  t.equal(artifactBudget(1_000, 90_000, 20_000), 50_000, 'others are left twice their time')
  t.equal(artifactBudget(1_000, 90_000, 80_000), 14_000, 'and nobody gets less than its slack')
  t.equal(artifactBudget(1_000, -3, 0), 0)
  t.equal(sendingBudget(10_000, 12_000), 12_000, 'not more than there is')
  t.equal(sendingBudget(10_000, 15_000), 14_000, 'what was stopped has its tail sent')
  t.equal(sendingBudget(10_000, 50_000), 30_000, 'over a slow link, half of what is left for others')
})

t.test('what costs least comes first where it is asked for', async (t) => {
  const items = [
    item('big', { bytes: 1000 * MiB, value: 900 }),
    item('small', { bytes: MiB, value: 1 }),
    item('facts', { phase: 'facts', bytes: 100 * MiB }),
    item('same', { bytes: MiB, value: 2 }),
  ]
  const names = (order?: typeof byCost) =>
    makePlan(items, only(90_000), ASSUMED_RATES, order).map((planned) => planned.item.name)
  t.strictSame(names(byCost), ['facts', 'same', 'small', 'big'])
  t.strictSame(names(), ['facts', 'big', 'same', 'small'])
})

t.test('what lives has to fit while applications wait, what is stored has not', async (t) => {
  const live = { phase: 'live', source: 'live', ratio: 1 } as const
  const items = [
    item('live/a', { ...live, bytes: 100 * MiB }),
    item('live/b', { ...live, bytes: 101 * MiB }),
    item('live/tiny', { ...live, bytes: 101 * MiB, ratio: 0.0001, value: 1 }),
    item('stored', { bytes: 500 * MiB }),
  ]
  const plan = makePlan(items, { live: 3_000, all: 13_000 }, ASSUMED_RATES)
  t.strictSame(
    plan.map(({ item, decision }) => [item.name, decision]),
    [
      ['live/a', 'take'],
      ['live/b', 'degrade'],
      ['live/tiny', 'skip'],
      ['stored', 'take'],
    ],
  )
  const [, degraded, skipped] = plan
  t.equal(degraded?.reason, 'needs about 2.3 s, 0.7 s are left')
  t.equal(degraded?.limit, 20 * MiB)
  t.equal(skipped?.reason, 'needs about 0.8 s, 0.0 s are left')
  t.strictSame(
    makePlan(items, { live: 30_000, all: 3_000 }, ASSUMED_RATES).map(({ decision }) => decision),
    ['take', 'degrade', 'skip', 'skip'],
    'the end of all time is the end of the live phase as well',
  )
})

t.test(
  'bytes of the whole bundle: what is worth most has them, whatever its phase, and one is cut to the rest',
  (t) => {
    const items = [
      item('live/huge', { phase: 'live', bytes: 100 * MiB, value: 100 }),
      item('facts', { phase: 'facts', bytes: 2 * MiB, value: 1000 }),
      item('journal/small', { bytes: 4 * MiB, value: 300 }),
      item('cores/other', { bytes: 90 * MiB, value: 90 }),
    ]
    const live = item('live/fits', { phase: 'live', bytes: 14 * MiB, value: 1 })
    const three = [live, ...items.slice(1, 3)]
    t.strictSame(
      makePlan(three, { ...only(60_000), bytes: 8 * MiB }, ASSUMED_RATES).map(({ item, decision }) => [
        item.name,
        decision,
      ]),
      [
        ['facts', 'take'],
        ['live/fits', 'degrade'],
        ['journal/small', 'take'],
      ],
      'what is taken first leaves the bytes to what is worth more',
    )
    const plan = (bytes?: number) =>
      makePlan(items, { ...only(60_000), ...(bytes !== undefined && { bytes }) }, ASSUMED_RATES).map(
        ({ item: { name }, decision, limit, because }) => [name, decision, limit / MiB, because],
      )
    t.strictSame(
      plan().map(([, decision]) => decision),
      ['take', 'take', 'take', 'take'],
    )
    t.strictSame(plan(8 * MiB), [
      ['facts', 'take', 2, undefined],
      ['live/huge', 'degrade', 10, 'limit'],
      ['journal/small', 'take', 4, undefined],
      ['cores/other', 'skip', 0, 'limit'],
    ])
    t.strictSame(
      plan(0).every(([, decision, , because]) => decision === 'skip' && because === 'limit'),
      true,
    )
    t.end()
  },
)
