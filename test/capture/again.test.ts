import t from 'tap'
import { StoreError } from '../../agent/store/store.ts'
import { CollectorError } from '../../agent/wall/collector.ts'
import { receiptOf, scene } from './scene.ts'
import { type Content, facts, fails, gap, gives, hangsAfter, scripted } from './scripted-collector.ts'

/** Another content for each try. */
const tries =
  (...contents: Content[]): Content =>
  (stop, number) =>
    (contents[number - 1] ?? (contents.at(-1) as Content))(stop, number)

const stacks = (content?: Content, over = {}) =>
  scripted('stacks', content, { source: 'stacks', phase: 'live', ...over })

t.test('what gave nothing is tried again when all else is taken, what costs least first', async (t) => {
  const s = scene(
    scripted('cores/big', tries(fails('ENFILE'), gives('big')), { bytes: 100_000_000, value: 100_000 }),
    scripted('cores/small', tries(fails('ENFILE'), gives('small'))),
    scripted('cores/fine', gives('fine'), { value: 1 }),
    stacks(tries(fails('ENFILE'), gives('stacks'))),
  )
  const manifest = await s.captured()
  t.strictSame(
    s.collector.asked.map(({ what }) => what).filter((what) => /^(take|release)/.test(what)),
    [
      ...['take stacks', 'release', 'take cores/big', 'take cores/small', 'take cores/fine'],
      ...['take stacks', 'take cores/small', 'take cores/big'],
    ],
  )
  t.match(receiptOf(manifest, 'cores/small'), { status: 'complete', reason: undefined, because: undefined })
  t.equal(receiptOf(manifest, 'cores/small')?.item.note, 'at first: ENFILE', 'the receipt tells of both tries')
  t.equal(manifest.status, 'complete')
})

t.test('what is tried again has been read before the last look', async (t) => {
  const s = scene()
  const slow: Content = async function* () {
    await s.clock.sleep(3_000)
    yield Buffer.from('big')
  }
  const big = { bytes: 100_000_000 }
  s.collector.list = () => ({
    items: [1, 2, 3].map((n) => scripted(`cores/${n}`, tries(fails('ENFILE'), slow), big)),
    gaps: [],
  })
  const manifest = await s.captured()
  t.equal(manifest.status, 'complete')
  t.ok((s.collector.when('last look') ?? 0) >= 9_000, `${s.collector.when('last look')}`)
})

t.test('who gets no answer is asked four times, with pauses; the receipt tells how often', async (t) => {
  const s = scene(scripted('cores/a', fails('ENFILE')))
  const manifest = await s.captured()
  t.strictSame(
    s.collector.asked.filter(({ what }) => what === 'take cores/a').map(({ at }) => at),
    [2, 2, 1_002, 5_002],
  )
  t.match(receiptOf(manifest, 'cores/a'), {
    status: 'failed',
    because: 'collector',
    reason: 'ENFILE (tried 4 times)',
  })
})

t.test('a host that says no is asked twice, and nobody waits for it', async (t) => {
  const s = scene(scripted('cores/a', tries(fails('no such file', 'host'), fails('no such process', 'host'))))
  const manifest = await s.captured()
  t.equal(s.collector.count('take cores/a'), 2)
  t.match(receiptOf(manifest, 'cores/a'), {
    status: 'failed',
    because: 'host',
    reason: 'no such process; at first: no such file',
  })
  t.ok(s.clock.now() < 100, `${s.clock.now()} ms`)
})

t.test('what settings and seals forbid is not asked again', async (t) => {
  const s = scene(scripted('cores/a', fails('no recipient', 'seal')), scripted('cores/b', fails('too large', 'limit')))
  const manifest = await s.captured()
  t.strictSame([s.collector.count('take cores/a'), s.collector.count('take cores/b')], [1, 1])
  t.match(receiptOf(manifest, 'cores/a'), { status: 'failed', because: 'seal', reason: 'no recipient' })
})

t.test('a silence that gave nothing is waited out twice as long by the second try', async (t) => {
  const s = scene()
  const slow = async function* () {
    await s.clock.sleep(8_000)
    yield Buffer.from('at last')
  }
  s.collector.list = () => ({
    items: [scripted('cores/slow', slow), scripted('cores/dead', hangsAfter([], true))],
    gaps: [],
  })
  const manifest = await s.captured()
  t.match(receiptOf(manifest, 'cores/slow'), {
    status: 'complete',
    item: { note: 'at first: it hung: no byte for 5 s' },
  })
  t.match(receiptOf(manifest, 'cores/dead'), {
    status: 'failed',
    because: 'host',
    reason: 'it hung: no byte for 10 s; at first: it hung: no byte for 5 s',
  })
  t.equal(s.collector.count('take cores/dead'), 2)
  t.ok((s.collector.when('last look') ?? 0) >= 18_000, 'not before it is over')
})

t.test('nothing but the head of a seal is nothing; a cut first byte is nothing; an empty file is whole', async (t) => {
  // biome-ignore lint/correctness/useYield: it fails before its first byte
  const cut: Content = async function* () {
    throw new Error('EIO')
  }
  const s = scene(
    scripted('cores/cut', tries(cut, gives('x'))),
    scripted('cores/empty', gives()),
    scripted('cores/sealed', tries(hangsAfter([]), gives('x')), { sealed: true }),
  )
  const manifest = await s.captured()
  t.match(receiptOf(manifest, 'cores/cut'), { status: 'complete', item: { note: 'at first: EIO' } })
  t.match(receiptOf(manifest, 'cores/empty'), {
    status: 'complete',
    bytesStored: 0,
    objects: [{ name: 'cores/empty' }],
  })
  t.match(receiptOf(manifest, 'cores/sealed'), { status: 'complete', objects: [{ name: 'cores/sealed.age' }] })
})

t.test('a store that fails is tried again, unless it will never work', async (t) => {
  const s = scene(scripted('cores/a'), scripted('cores/b'))
  let failures = 2
  s.store.fate = (_, key) => {
    if (/cores\/b/.test(key)) return new StoreError('denied', 'access denied')
    return /cores\/a/.test(key) && failures-- > 0 ? new StoreError('transient', 'ENFILE') : undefined
  }
  const manifest = await s.captured()
  t.match(receiptOf(manifest, 'cores/a'), { status: 'complete', item: { note: 'at first: ENFILE' } })
  t.match(receiptOf(manifest, 'cores/b'), { status: 'failed', because: 'store', reason: 'access denied' })
  t.equal(s.collector.count('take cores/b'), 1)
})

t.test('and what failed last of all as well: whether it did is waited for', async (t) => {
  const s = scene(...['a', 'b', 'c', 'd'].map((name, n) => scripted(`cores/${name}`, gives(name), { bytes: 1000 + n })))
  const put = s.store.put.bind(s.store)
  const tried = new Map<string, number>()
  s.store.put = async (key, body, signal) => {
    if (!/cores\/./.test(key)) return await put(key, body, signal)
    await s.clock.sleep(2_000)
    const times = (tried.get(key) ?? 0) + 1
    tried.set(key, times)
    if (times <= (key.endsWith('d') ? 2 : 1)) throw new StoreError('transient', 'busy')
    return await put(key, body, signal)
  }
  const manifest = await s.captured()
  t.equal(manifest.status, 'complete')
  t.strictSame([...tried.values()], [2, 2, 2, 3])
})

t.test('there is an end to it: with no time left nothing is begun again, and the receipt says so', async (t) => {
  const s = scene(scripted('cores/a', tries(fails('ENFILE'), gives('a')), { bytes: 1000 }))
  s.collector.list = async () => {
    await s.clock.sleep(0)
    return {
      items: [
        scripted('cores/a', tries(fails('ENFILE'), gives('a')), { value: 900 }),
        scripted(
          'cores/endless',
          async function* (stop) {
            while (!stop.aborted) {
              yield Buffer.alloc(100)
              await s.clock.sleep(50)
            }
          },
          { value: 1 },
        ),
      ],
      gaps: [],
    }
  }
  const manifest = await s.captured({ deadline: 20_000 })
  t.match(receiptOf(manifest, 'cores/a'), { status: 'failed', because: 'collector', reason: 'ENFILE' })
  t.equal(s.collector.count('take cores/a'), 1)
})

t.test(
  'a source that could not say in time what it has is asked again, while applications wait if it is about them',
  async (t) => {
    const s = scene()
    s.collector.list = async (session) => {
      if (session === 1)
        return {
          items: [facts(gives('facts')), scripted('cores/a')],
          gaps: [gap('stacks', { because: 'deadline' }), gap('journal', { because: 'deadline', reason: 'late' })],
        }
      if (session === 2) await s.clock.sleep(3_000)
      const journal = scripted('journal/a', gives('j'), { source: 'journal' })
      return { items: [facts(gives('again')), stacks(), journal, scripted('cores/a')], gaps: [] }
    }
    const manifest = await s.captured()
    t.strictSame(
      s.collector.asked
        .map(({ what, at }) => `${at} ${what.replace(/for \d{3,}$/, '')}`)
        .filter((what) => /open|take|release/.test(what)),
      [
        ...['0 open ', '0 open ', '0 take facts', '3000 take stacks', '3000 release'],
        ...['3000 take cores/a', '3001 open ', '3001 take journal/a'],
      ],
    )
    t.strictSame(
      s.collector.asked.map(({ what }) => what).filter((what) => /open/.test(what)),
      ['open for 2000', 'open for 4000', 'open for 19750'],
      'twice as long while applications wait, and then a quarter of what is left',
    )
    t.equal(s.store.named('facts')?.toString(), 'facts')
    t.equal(manifest.status, 'complete')
    t.equal(receiptOf(manifest, 'journal'), undefined)
  },
)

t.test('a source that never says what it has becomes one receipt, with both reasons', async (t) => {
  const s = scene()
  s.collector.list = (session) => ({
    items: [scripted('cores/a')],
    gaps: [
      gap('journal', { because: 'deadline', reason: session === 1 ? 'late' : 'later' }),
      gap('cores'),
      gap('collector'),
    ],
  })
  const manifest = await s.captured()
  t.match(receiptOf(manifest, 'journal'), { status: 'failed', because: 'deadline', reason: 'later; at first: late' })
  t.equal(manifest.receipts.filter(({ source }) => source === 'journal').length, 1)
  t.equal(manifest.receipts.filter(({ source }) => source === 'collector').length, 1, 'told once')
  t.equal(
    manifest.receipts.filter(({ artifact }) => artifact === 'cores').length,
    1,
    'a part of a source is not asked again',
  )
  t.equal(s.collector.asked.filter(({ what }) => /^open/.test(what)).length, 4)
})

t.test('a source of which the host says no is asked twice; nobody waits for it', async (t) => {
  const s = scene()
  s.collector.list = () => ({
    items: [],
    gaps: [
      gap('memory', { reason: 'EPERM', identity: { path: '/proc/kcore' } }),
      gap('cores', { status: 'absent', reason: 'none' }),
    ],
  })
  const manifest = await s.captured()
  t.match(receiptOf(manifest, 'memory'), { status: 'failed', because: 'host', reason: 'EPERM (tried 2 times)' })
  t.match(receiptOf(manifest, 'memory'), { class: 'text', item: { path: '/proc/kcore' } }, 'as the host has told it')
  t.strictSame(receiptOf(manifest, 'cores'), {
    ...{ artifact: 'cores', source: 'cores', class: 'text', status: 'absent', reason: 'none', item: {} },
    ...{ sealed: false, bytesIn: 0, bytesStored: 0, objects: [], ms: 0 },
  })
  t.equal(s.collector.asked.filter(({ what }) => /^open/.test(what)).length, 2)
  t.ok(s.clock.now() < 100)
})

t.test(
  'a collector that cannot be reached at first is asked again, before and after applications are let go',
  async (t) => {
    const s = scene()
    s.collector.list = () => {
      if (s.clock.now() < 900) throw new CollectorError('collector', 'the collector failed: ENFILE')
      return { items: [facts(), stacks(), scripted('cores/a')], gaps: [] }
    }
    const manifest = await s.captured()
    t.strictSame(
      s.collector.asked
        .filter(({ what }) => /^open|release/.test(what))
        .map(({ what, at }) => `${at} ${what.split(' ')[0]}`),
      ['0 open', '0 open', '0 release', '2 open', '1002 open'],
    )
    t.equal(manifest.status, 'complete')
    t.strictSame(
      manifest.receipts.map(({ artifact }) => artifact),
      ['facts', 'stacks', 'cores/a'],
    )
    t.match(manifest.findings, [], 'and it is asked what went wrong')
    t.equal(s.collector.count('findings'), 1)
  },
)

t.test('a collector that was started anew gives what the old one knew, by a new session', async (t) => {
  const s = scene()
  let died = false
  const hangsUp = new CollectorError('collector', 'it hung up')
  s.collector.list = (session) => ({
    items: [
      // biome-ignore lint/correctness/useYield: it dies before its first byte
      scripted('cores/0', async function* () {
        died = true
        await s.clock.sleep(50)
        throw hangsUp
      }),
      scripted(
        'cores/a',
        session === 1 ? () => (died ? fails('the session is unknown')(never, 1) : gives('?')(never, 1)) : gives('anew'),
      ),
      ...(session > 1 ? [scripted('journal/new', gives('came up meanwhile'), { source: 'journal' })] : []),
    ],
    gaps: [],
  })
  s.collector.dies = () => died && s.collector.sessions === 1
  const manifest = await s.captured()
  t.equal(s.store.named('cores/a')?.toString(), 'anew')
  t.match(receiptOf(manifest, 'cores/a'), { status: 'complete', item: { note: 'at first: the session is unknown' } })
  t.equal(s.store.named('journal/new')?.toString(), 'came up meanwhile', 'also what nobody has told of since')
  t.strictSame(
    manifest.receipts.map(({ artifact, status }) => [artifact, status]),
    [
      ['cores/0', 'failed'],
      ['cores/a', 'complete'],
      ['journal/new', 'complete'],
    ],
  )
  t.equal(s.collector.count('last look'), 1)
})

t.test('a watch that breaks off, and nobody to open another session: it is told', async (t) => {
  const s = scene(scripted('cores/a'))
  s.collector.dies = () => true
  const manifest = await s.captured()
  t.match(receiptOf(manifest, 'collector'), {
    status: 'failed',
    because: 'collector',
    reason: /come up since: it hung up/,
  })
  t.equal(receiptOf(manifest, 'cores/a')?.status, 'complete')
})

t.test('what lives and is small is tried after applications were let go as well; a big core is not', async (t) => {
  const s = scene(
    ...[1, 2, 3].map((n) =>
      scripted(`live/hangs${n}`, hangsAfter(['l'], true), { source: 'live', phase: 'live', value: 900 }),
    ),
    scripted('live/big', gives('l'), { source: 'live', phase: 'live', bytes: 100_000_000, value: 1 }),
    scripted('live/small', gives('l'), { source: 'live', phase: 'live', value: 1 }),
  )
  s.collector.list = ((list) => async (session: number, within: number) => {
    await s.clock.sleep(300)
    return list(session, within)
  })(s.collector.list)
  const manifest = await s.captured({ hold: 2_000 })
  t.equal(s.collector.when('release'), 2_000)
  t.match(receiptOf(manifest, 'live/big'), {
    status: 'skipped',
    because: 'deadline',
    reason: 'applications were let go before it could be taken',
    needed: { ms: 2208 },
  })
  t.equal(receiptOf(manifest, 'live/small')?.status, 'complete')
  t.ok((s.collector.when('take live/small') ?? 0) >= 2_000)
})

t.test('on a host whose processor is taken away, silence is no hang', async (t) => {
  const quiet = (s: ReturnType<typeof scene>) =>
    async function* () {
      await s.clock.sleep(20_000)
      yield Buffer.from('slow')
    }
  const healthy = scene()
  healthy.collector.list = () => ({ items: [scripted('cores/a', quiet(healthy))], gaps: [] })
  t.match(receiptOf(await healthy.captured(), 'cores/a'), { status: 'failed', reason: /no byte/ })
  const starved = scene()
  starved.clock.late = 200
  starved.collector.list = () => ({ items: [scripted('cores/a', quiet(starved))], gaps: [] })
  t.match(receiptOf(await starved.captured(), 'cores/a'), { status: 'complete', item: { note: undefined } })
})

const never = new AbortController().signal

t.test('a source whose item failed, and that cannot be asked again, has that receipt alone', async (t) => {
  const s = scene(facts(fails('it hung up')))
  const list = s.collector.list
  s.collector.list = (session, within) => {
    if (session > 1) throw new CollectorError('collector', 'nobody listens')
    return list(session, within)
  }
  const { receipts } = await s.captured()
  const told = receipts.map(({ artifact, status, because }) => [artifact, status, because])
  t.strictSame(told, [['facts', 'failed', 'collector']])
  t.ok(s.collector.sessions > 1, 'it was asked')
})
