import { createHash, randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import { PART_BYTES } from '../../agent/store/part-bytes.ts'
import type { Archive, Store } from '../../agent/store/store.ts'
import { writeObject } from '../../agent/store/write-object.ts'
import { lent } from '../streams/poisoned.ts'
import { failing } from './failing.ts'

/** A store to be judged, with nothing in it yet, and the archive that reads the same place. */
export interface Candidate {
  readonly store: Store
  readonly archive: Archive
  /** Whether completing an upload minds that the key is taken. */
  readonly completeIsCreateOnly: boolean
  /** Whether an upload can be completed without parts that have arrived behind a gap. */
  readonly completesSubset: boolean
}

/** What every store promises to those who write bundles, and every archive to those who read them. */
export async function storeContract(t: Test, candidate: Candidate): Promise<void> {
  const { store, archive } = candidate
  const signal = AbortSignal.timeout(120_000)
  const content = async (key: string, from = 0) => {
    const chunks: Buffer[] = []
    for await (const chunk of await archive.read(key, from, signal)) chunks.push(chunk)
    return Buffer.concat(chunks)
  }
  const keys = async (prefix: string) => (await Array.fromAsync(archive.list(prefix, signal))).map(({ key }) => key)

  await t.test('warm can be repeated', async () => {
    await store.warm(signal)
    await store.warm(signal)
  })

  await t.test('put creates an object with all of its bytes', async (t) => {
    const before = Date.now()
    const body = randomBytes(100_000)
    t.match(await store.put('put/one', body, signal), { key: 'put/one', bytes: 100_000 })
    t.ok((await content('put/one')).equals(body))
    const [entry] = await Array.fromAsync(archive.list('put/one', signal))
    t.equal(entry?.bytes, 100_000)
    t.ok(Math.abs((entry?.modified ?? 0) - before) < 3_600_000, 'in milliseconds since the epoch')
  })

  await t.test('an object can be empty', async (t) => {
    t.match(await store.put('empty', Buffer.alloc(0), signal), { key: 'empty', bytes: 0 })
    t.equal((await content('empty')).length, 0)
    t.same(await keys('empty'), ['empty'])
  })

  await t.test('put never replaces', async (t) => {
    await store.put('taken', Buffer.from('first'), signal)
    await t.rejects(store.put('taken', Buffer.from('second'), signal), failing('exists'))
    t.equal(String(await content('taken')), 'first')
  })

  await t.test('of two that put at once, one wins', async (t) => {
    const results = await Promise.allSettled(
      ['left', 'right'].map((side) => store.put('race', Buffer.from(side), signal).then(() => side)),
    )
    const won = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    t.equal(won.length, 1)
    t.equal(String(await content('race')), won[0])
  })

  await t.test('parts may come in any order, and nothing is seen before the end', async (t) => {
    const body = randomBytes(2 * PART_BYTES + 12_345)
    const upload = await store.begin('parts/any', signal)
    t.equal(upload.key, 'parts/any')
    await upload.part(3, body.subarray(2 * PART_BYTES), signal)
    await Promise.all([
      upload.part(2, body.subarray(PART_BYTES, 2 * PART_BYTES), signal),
      upload.part(1, body.subarray(0, PART_BYTES), signal),
    ])
    t.same(await keys(''), ['empty', 'put/one', 'race', 'taken'])
    t.match(await upload.complete(signal), { key: 'parts/any', bytes: body.length })
    t.ok((await content('parts/any')).equals(body))
  })

  await t.test(
    'what follows a gap is left out',
    { skip: !candidate.completesSubset && 'this server wants all' },
    async (t) => {
      const body = randomBytes(PART_BYTES)
      const upload = await store.begin('parts/gap', signal)
      for (const number of [1, 2, 4]) await upload.part(number, body, signal)
      t.match(await upload.complete(signal), { bytes: 2 * PART_BYTES })
      t.ok((await content('parts/gap')).equals(Buffer.concat([body, body])))
    },
  )

  await t.test(
    'what follows a short part is left out',
    { skip: !candidate.completesSubset && 'this server wants all' },
    async (t) => {
      const upload = await store.begin('parts/short', signal)
      await upload.part(2, randomBytes(PART_BYTES), signal)
      await upload.part(1, Buffer.from('short'), signal)
      t.match(await upload.complete(signal), { bytes: 5 })
      t.equal(String(await content('parts/short')), 'short')
    },
  )

  await t.test('no object without a first part, and no part that cannot be one', async (t) => {
    const upload = await store.begin('parts/none', signal)
    await upload.part(2, Buffer.from('second'), signal)
    await t.rejects(upload.complete(signal), failing('permanent'))
    for (const number of [0, 1.5, 10_001]) {
      await t.rejects(upload.part(number, Buffer.from('x'), signal), failing('permanent'))
    }
    await t.rejects(upload.part(1, Buffer.alloc(0), signal), failing('permanent'))
    await t.rejects(upload.part(1, Buffer.alloc(PART_BYTES + 1), signal), failing('permanent'))
    t.same(await keys('parts/none'), [])
  })

  await t.test(
    'an upload does not take the key of an object',
    { skip: !candidate.completeIsCreateOnly && 'this server replaces it' },
    async (t) => {
      const upload = await store.begin('parts/taken', signal)
      await upload.part(1, Buffer.from('late'), signal)
      await store.put('parts/taken', Buffer.from('early'), signal)
      await t.rejects(upload.complete(signal), failing('exists'))
      t.equal(String(await content('parts/taken')), 'early')
    },
  )

  await t.test('a stream becomes an object, and its sums are right', async (t) => {
    const body = randomBytes(3 * PART_BYTES + 1)
    async function* chunks() {
      for (let at = 0; at < body.length; at += 1_000_000) yield body.subarray(at, at + 1_000_000)
    }
    const sha256 = createHash('sha256').update(body).digest('hex')
    t.same(await writeObject(store, 'stream', lent(chunks()), {}, signal), {
      segments: [{ key: 'stream', bytes: body.length, sha256 }],
      bytes: body.length,
      sha256,
    })
    t.ok((await content('stream')).equals(body))
  })

  await t.test('when the time to send ends, what has landed is an object', async (t) => {
    const sending = new AbortController()
    const body = randomBytes(1.5 * PART_BYTES)
    async function* hanging() {
      yield body
      await new Promise(() => {})
    }
    const ending: Store = {
      ...store,
      async begin(key, limit) {
        const upload = await store.begin(key, limit)
        const part: typeof upload.part = async (...sent) => {
          await upload.part(...sent)
          sending.abort(new Error('the sending has ended'))
        }
        return { ...upload, part }
      },
    }
    const until = { signal: sending.signal, at: Number.POSITIVE_INFINITY, left: () => Number.POSITIVE_INFINITY }
    const written = await writeObject(ending, 'until', lent(hanging()), { until }, signal)
    t.match(written.cut, { message: /^its time was up/ })
    const landed = body.subarray(0, PART_BYTES)
    t.match(written, { bytes: PART_BYTES, sha256: createHash('sha256').update(landed).digest('hex') })
    t.ok((await content('until')).equals(landed))
  })

  await t.test('reading starts where it is told', async (t) => {
    await store.put('range', Buffer.from('0123456789'), signal)
    t.equal(String(await content('range', 7)), '789')
    t.equal(String(await content('range', 10)), '')
    t.equal(String(await content('range', 11)), '')
    await t.rejects(archive.read('nowhere', 0, signal), failing('missing'))
    await t.rejects(archive.read('put', 0, signal), failing('missing'), 'a folder is no object')
  })

  const odd = ['a b', 'c+d%20%', 'e&f<g>"h\'', 'i#j?k=l', 'm:n@o,p;q$', '(~!*)', 'é', '日本', '\u{1f600}', '\ufb00']
  await t.test('keys may have odd characters, and are listed by their bytes', async (t) => {
    const wanted = [...odd, 'Z', 'a', 'a-b/c', 'a.b', 'aa/b/c'].map((name) => `odd/${name}`)
    for (const key of wanted) await store.put(key, Buffer.from(key), signal)
    const order = wanted.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    t.same(await keys('odd/'), order)
    for (const key of wanted) t.equal(String(await content(key)), key)
    t.same(
      await keys('odd/a'),
      order.filter((key) => key.startsWith('odd/a')),
    )
    t.same(await keys('odd/none'), [])
    t.same(await Array.fromAsync(archive.folders('odd/', signal)), ['odd/a-b/', 'odd/aa/'])
    t.same(await Array.fromAsync(archive.folders('', signal)), ['odd/', 'parts/', 'put/'])
    t.same(await Array.fromAsync(archive.folders('none/', signal)), [])
  })

  await t.test('keys that would not mean the same everywhere are refused', async (t) => {
    const body = Buffer.from('x')
    for (const key of [
      '',
      '/a',
      'a/',
      'a//b',
      '../a',
      'a/./b',
      'a\nb',
      'a\0',
      '\ud800',
      '.uploads/x',
      'é'.repeat(513),
    ]) {
      await t.rejects(store.put(key, body, signal), failing('permanent'), JSON.stringify(key.slice(0, 20)))
      await t.rejects(store.begin(key, signal), failing('permanent'))
      await t.rejects(archive.read(key, 0, signal), failing('permanent'))
    }
  })

  await t.test('a signal that has ended ends every call', async (t) => {
    const upload = await store.begin('ended/upload', signal)
    await upload.part(1, Buffer.from('x'), signal)
    const ended = AbortSignal.abort(new Error('the deadline has passed'))
    const failure = failing('transient', /the deadline has passed/)
    await t.rejects(store.warm(ended), failure)
    await t.rejects(store.put('ended/put', Buffer.from('x'), ended), failure)
    await t.rejects(store.begin('ended/begin', ended), failure)
    await t.rejects(upload.part(2, Buffer.from('x'), ended), failure)
    await t.rejects(upload.complete(ended), failure)
    await t.rejects(archive.read('put/one', 0, ended), failure)
    await t.rejects(Array.fromAsync(archive.list('', ended)), failure)
    await t.rejects(Array.fromAsync(archive.folders('', ended)), failure)
    t.same(await keys('ended/'), [])
  })
}
