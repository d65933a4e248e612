import t from 'tap'
import { PART_BYTES } from '../../agent/store/part-bytes.ts'
import { receiptOf, scene } from './scene.ts'
import { gives, hangsAfter, scripted } from './scripted-collector.ts'

const MiB = 1024 * 1024

t.test('an item may grow, and only who makes something smaller of it is told what fits', async (t) => {
  const s = scene(
    scripted('cores/a', gives('c'), { bytes: 1000 }),
    scripted('cores/big', gives('c'), { bytes: 20_000 * MiB, value: 1 }),
    scripted('memory/vmcore', gives('m'), { source: 'memory', phase: 'live', bytes: 20_000 * MiB }),
    scripted('memory/small', gives('m'), { source: 'memory', phase: 'live', bytes: 1000 }),
  )
  await s.captured()
  t.equal(s.collector.limits.get('cores/a'), 2_000 + 64 * MiB)
  t.equal(s.collector.limits.get('cores/big'), 40_064 * MiB)
  t.equal(s.collector.limits.get('memory/small'), 2_000 + 64 * MiB)
  const plan = JSON.parse(s.store.named('plan.json')?.toString() ?? '')
  t.match(plan.artifacts[1], { artifact: 'memory/vmcore', decision: 'degrade' })
  t.equal(s.collector.limits.get('memory/vmcore'), plan.artifacts[1].limit)
})

t.test('of a log for which there is no time, what was to fit; that it is no more is because of the time', async (t) => {
  const short = async function* () {
    yield Buffer.from('the end')
    throw new Error('only the newest 1GiB of 20GiB were read')
  }
  const s = scene(scripted('files/log', short, { source: 'files', bytes: 20_000 * MiB }))
  const manifest = await s.captured()
  const plan = JSON.parse(s.store.named('plan.json')?.toString() ?? '')
  t.match(plan.artifacts[0], { artifact: 'files/log', decision: 'degrade' })
  const limit = s.collector.limits.get('files/log') ?? 0
  t.ok(limit > 1000 * MiB && limit <= plan.artifacts[0].limit, `${limit}`)
  t.match(receiptOf(manifest, 'files/log'), {
    status: 'truncated',
    because: 'deadline',
    reason: /^only the newest 1GiB/,
  })
})

t.test('a big one that lives and for which there is no room says so while applications wait', async (t) => {
  const s = scene(
    scripted('live/huge', gives('l'), { source: 'live', phase: 'live', bytes: 1e12, ratio: 1e-4 }),
    scripted('cores/a'),
  )
  const manifest = await s.captured()
  t.strictSame(
    manifest.receipts.map(({ artifact }) => artifact),
    ['live/huge', 'cores/a'],
  )
  t.match(receiptOf(manifest, 'live/huge'), {
    ...{ status: 'skipped', because: 'deadline', reason: 'needs about 4769 s, 10 s are left' },
    needed: { bytesStored: 1e8 },
  })
})

t.test('an item that hangs costs itself: what it gave is kept, and the next ones are taken', async (t) => {
  const s = scene(
    scripted('cores/hangs', hangsAfter(['first ', 'half']), { value: 900 }),
    scripted('cores/deaf', hangsAfter(['first half'], true), { value: 800 }),
    scripted('cores/fails', async function* () {
      yield Buffer.from('some')
      throw new Error('EIO')
    }),
    scripted('cores/fine'),
  )
  const manifest = await s.captured()
  t.match(receiptOf(manifest, 'cores/hangs'), {
    status: 'truncated',
    because: 'host',
    reason: 'it hung: no byte for 5 s',
  })
  t.match(receiptOf(manifest, 'cores/deaf'), {
    status: 'truncated',
    because: 'host',
    reason: 'it hung: no byte for 5 s',
  })
  t.match(receiptOf(manifest, 'cores/fails'), { status: 'truncated', because: 'host', reason: 'EIO' })
  t.match(receiptOf(manifest, 'cores/fine'), { status: 'complete', reason: undefined, because: undefined })
  t.equal(s.store.named('cores/hangs')?.toString(), 'first half')
  t.equal(s.store.named('cores/deaf')?.toString(), 'first half')
  t.ok(s.clock.now() < 7_000, `${s.clock.now()} ms`)
  t.equal(s.collector.count('take cores/hangs'), 1, 'what is stored in part is not tried again')
})

t.test('what the collector says nothing of in the end is kept, and not believed to be whole', async (t) => {
  const s = scene(scripted('cores/a', gives('all of it')), scripted('cores/b'))
  s.collector.unsaid.add('cores/a')
  const manifest = await s.captured()
  t.equal(s.store.named('cores/a')?.toString(), 'all of it')
  t.match(receiptOf(manifest, 'cores/a'), {
    ...{ status: 'truncated', because: 'collector', reason: 'the collector did not say how it ended' },
    ...{ bytesIn: 0, bytesStored: 9 },
  })
  t.equal(receiptOf(manifest, 'cores/b')?.status, 'complete')
})

t.test('an endless item ends with its time, and the manifest is still written', async (t) => {
  const s = scene()
  s.collector.list = () => ({
    items: [
      scripted('cores/endless', async function* (stop) {
        while (!stop.aborted) {
          yield Buffer.alloc(10_000)
          await s.clock.sleep(200)
        }
      }),
    ],
    gaps: [],
  })
  const manifest = await s.captured()
  const receipt = receiptOf(manifest, 'cores/endless')
  t.match(receipt, { status: 'truncated', because: 'deadline', reason: 'its time was up', needed: { ms: 301 } })
  t.ok((receipt?.bytesIn ?? 0) > 4_000_000)
  t.ok(s.clock.now() > 82_000 && s.clock.now() < 83_000, `${s.clock.now()} ms`)
})

t.test('hundreds of items: what there is no time for gets its receipt at once', async (t) => {
  const s = scene()
  const slow = async function* () {
    await s.clock.sleep(100)
    yield Buffer.from('x')
  }
  const many = Array.from({ length: 600 }, (_, n) => scripted(`cores/${n}`, slow))
  s.collector.list = () => ({ items: many, gaps: [] })
  const manifest = await s.captured({ deadline: 8_000 })
  t.equal(manifest.receipts.length, 600)
  const count = (status: string) => manifest.receipts.filter((receipt) => receipt.status === status).length
  t.ok(count('complete') > 150, `${count('complete')} were taken, three in 102 ms`)
  t.equal(count('complete') + count('skipped'), 600)
  t.match(manifest.receipts.filter(({ status }) => status === 'skipped').at(-1), {
    because: 'deadline',
    needed: { ms: 301 },
  })
  t.ok(s.clock.now() > 5_000 && s.clock.now() < 7_500, `${s.clock.now()} ms`)
})

t.test('small ones go side by side, three at a time; a big one goes alone', async (t) => {
  const s = scene()
  let [now, most] = [0, 0]
  const slow = async function* () {
    most = Math.max(most, ++now)
    await s.clock.sleep(100)
    yield Buffer.from('x')
    now--
  }
  const beside: number[] = []
  const large = async function* () {
    beside.push(now)
    yield Buffer.alloc(1)
    await s.clock.sleep(100)
    beside.push(now)
  }
  const small = Array.from({ length: 10 }, (_, n) => scripted(`cores/${n}`, slow, { value: 1 }))
  const big = { bytes: PART_BYTES + 1 }
  const [first, last] = [
    scripted('cores/first', large, { ...big, value: 100 }),
    scripted('cores/last', large, { ...big, value: 0.001 }),
  ]
  s.collector.list = () => ({ items: [first, ...small, last], gaps: [] })
  await s.captured()
  t.strictSame([most, beside], [3, [0, 0, 0, 0]])
})

t.test('a process that waits for us to take its small core is let go while a big one is under way', async (t) => {
  const s = scene()
  const handed = { identity: { comm: 'x', details: { source: 'cores', handed: true } } } as const
  let [now, most] = [0, 0]
  const brief = async function* () {
    most = Math.max(most, ++now)
    await s.clock.sleep(200)
    yield Buffer.from('x')
    now--
  }
  const large = async function* () {
    yield Buffer.alloc(1)
    await s.clock.sleep(2_000)
  }
  const big = { bytes: PART_BYTES + 1 }
  s.collector.list = () => ({ items: [scripted('cores/big', large, { ...big, value: 1_000 })], gaps: [] })
  s.collector.stops = () => (s.clock.now() < 3_000 ? { running: 1, held: false } : { running: 0, held: false })
  s.collector.up = async function* () {
    await s.clock.sleep(100)
    yield {
      items: [
        scripted('cores/another-big', large, { ...big, ...handed }),
        ...Array.from({ length: 4 }, (_, n) => scripted(`cores/${n}`, brief, handed)),
        scripted('cores/stored', brief),
      ],
      gaps: [],
    }
  }
  await s.captured()
  const at = (name: string) => Number(s.collector.when(`take cores/${name}`))
  t.ok(Math.max(...[0, 1, 2, 3].map((n) => at(`${n}`))) < 1_000, 'beside it')
  t.equal(most, 2, 'two at a time')
  t.ok(at('another-big') >= 2_000 && at('stored') >= 2_000, 'and nothing else')
})
