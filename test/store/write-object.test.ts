import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { directoryArchive } from '../../agent/store/directory/archive.ts'
import { directoryStore } from '../../agent/store/directory/store.ts'
import { gather } from '../../agent/store/gather.ts'
import { PART_BYTES } from '../../agent/store/part-bytes.ts'
import { type Store, StoreError } from '../../agent/store/store.ts'
import { MOST_PARTS } from '../../agent/store/window.ts'
import { writeObject } from '../../agent/store/write-object.ts'
import { type Lease, leased, unlent } from '../../agent/streams/lease.ts'
import { failing } from '../contract/failing.ts'
import { lent } from '../streams/poisoned.ts'

const long = () => AbortSignal.timeout(60_000)
const sha256 = (...bodies: Buffer[]) => createHash('sha256').update(Buffer.concat(bodies)).digest('hex')

async function* pieces(body: Buffer, size: number, end?: Error): AsyncGenerator<Buffer> {
  for (let at = 0; at < body.length; at += size) yield body.subarray(at, at + size)
  if (end !== undefined) throw end
}

function setUp(t: Test) {
  const root = t.testdir()
  const archive = directoryArchive(root)
  const content = async (key: string) => Buffer.concat(await Array.fromAsync(await archive.read(key, 0, long())))
  const keys = async () => (await Array.fromAsync(archive.list('', long()))).map(({ key }) => key)
  return { store: directoryStore(root), content, keys }
}

/** A real store, seen from outside: what is called, in order, and how many parts are under way. */
function watched(store: Store, fail: (call: string) => StoreError | undefined = () => undefined) {
  const calls: string[] = []
  const memories = new Set<ArrayBufferLike>()
  let flying = 0
  let most = 0
  const call = (name: string) => {
    calls.push(name)
    const error = fail(name)
    if (error !== undefined) throw error
  }
  const watching: Store = {
    ...store,
    async put(key, body, signal) {
      call(`put ${key}`)
      return await store.put(key, body, signal)
    },
    async begin(key, signal) {
      call(`begin ${key}`)
      const upload = await store.begin(key, signal)
      return {
        key,
        async part(number, body, signal) {
          most = Math.max(most, ++flying)
          memories.add(body.buffer)
          try {
            call(`part ${number} of ${key}`)
            await upload.part(number, body, signal)
            calls.push(`landed ${number} of ${key}`)
          } finally {
            flying -= 1
          }
        },
        async complete(signal) {
          call(`complete ${key}`)
          return await upload.complete(signal)
        },
      }
    },
  }
  return { store: watching, calls, memories, most: () => most }
}

t.test('what fits into one part is put', async (t) => {
  const { store, content } = setUp(t)
  const watching = watched(store)
  for (const [key, bytes] of [
    ['empty', 0],
    ['small', 1000],
    ['full', PART_BYTES],
  ] as const) {
    const body = randomBytes(bytes)
    const written = await writeObject(watching.store, key, lent(pieces(body, 600_000)), {}, long())
    t.same(written, { segments: [{ key, bytes, sha256: sha256(body) }], bytes, sha256: sha256(body) })
    t.ok((await content(key)).equals(body))
  }
  t.same(watching.calls, ['put empty', 'put small', 'put full'])
})

t.test('the first part lands before the second is sent, then some fly at once', async (t) => {
  const { store, content } = setUp(t)
  const watching = watched(store)
  const body = randomBytes(6 * PART_BYTES + 1)
  const written = await writeObject(watching.store, 'big', lent(pieces(body, 5_000_000)), {}, long())
  t.equal(written.sha256, sha256(body))
  t.ok((await content('big')).equals(body))
  t.same(watching.calls.slice(0, 4), ['begin big', 'part 1 of big', 'landed 1 of big', 'part 2 of big'])
  t.equal(watching.calls.at(-1), 'complete big')
  t.equal(watching.calls.length, 16)
  t.ok(watching.most() >= 2)
  const alone = watched(store)
  await writeObject(alone.store, 'alone', lent(pieces(body, 5_000_000)), { inFlight: 1 }, long())
  t.equal(alone.most(), 1)
  t.ok(alone.memories.size <= 3, 'the part that flies, the one in hand and the one being filled')
})

t.test('a huge object goes on in segments', async (t) => {
  const { store, content } = setUp(t)
  const body = randomBytes(4 * PART_BYTES + 7)
  const parts = (from: number, to?: number) => body.subarray(from * PART_BYTES, to && to * PART_BYTES)
  const options = { partsPerSegment: 2 }
  const written = await writeObject(store, 'core', lent(pieces(body, 3_000_000)), options, long())
  const bodies = [parts(0, 2), parts(2, 4), parts(4)]
  t.same(
    written.segments,
    bodies.map((one, index) => ({
      key: ['core', 'core.001', 'core.002'][index],
      bytes: one.length,
      sha256: sha256(one),
    })),
  )
  t.same([written.bytes, written.sha256, written.cut], [body.length, sha256(body), undefined])
  for (const [index, { key }] of written.segments.entries()) t.ok((await content(key)).equals(bodies[index] as Buffer))
})

t.test('a stream that fails leaves all that had arrived', async (t) => {
  const { store, content, keys } = setUp(t)
  const end = new Error('the disk could not be read')
  for (const bytes of [1000, PART_BYTES, 2 * PART_BYTES + 1]) {
    const body = randomBytes(bytes)
    const written = await writeObject(store, `cut/${bytes}`, lent(pieces(body, 700_000, end)), {}, long())
    t.equal(written.cut, end)
    t.equal(written.sha256, sha256(body))
    t.ok((await content(`cut/${bytes}`)).equals(body))
  }
  const nothing = await writeObject(store, 'nothing', lent(pieces(Buffer.alloc(0), 1, end)), {}, long())
  t.same(nothing, { segments: [], bytes: 0, sha256: sha256(), cut: end })
  t.equal((await keys()).length, 3)
})

t.test('a stream that ends itself by its own signal leaves all that had arrived', async (t) => {
  const { store, content } = setUp(t)
  const budget = new AbortController()
  const body = randomBytes(PART_BYTES + 5)
  async function* source() {
    yield* pieces(body, 1_000_000)
    budget.abort(new Error('the budget is spent'))
    budget.signal.throwIfAborted()
  }
  const written = await writeObject(store, 'budget', lent(source()), {}, long())
  t.equal(written.cut?.message, 'the budget is spent')
  t.ok((await content('budget')).equals(body))
})

t.test('the hard end ends a hanging stream', async (t) => {
  const { store, keys } = setUp(t)
  async function* hanging() {
    yield randomBytes(100)
    await new Promise(() => {})
  }
  const deadline = new AbortController()
  setTimeout(() => deadline.abort(new Error('the deadline has passed')), 200)
  const writing = writeObject(store, 'hangs', lent(hanging()), {}, deadline.signal)
  await t.rejects(writing, failing('transient', /^cannot store hangs: the deadline has passed/))
  t.same(await keys(), [])
})

t.test('a store that fails for good stops the stream, and the leading parts become the object', async (t) => {
  const { store, content } = setUp(t)
  const watching = watched(store, (call) =>
    call === 'part 3 of core' ? new StoreError('denied', 'cannot store part 3: no') : undefined,
  )
  let asked = 0
  let closed = false
  async function* endless() {
    try {
      for (;;) yield Buffer.alloc(PART_BYTES / 2, asked++)
    } finally {
      closed = true
    }
  }
  const written = await writeObject(watching.store, 'core', lent(endless()), {}, long())
  t.match(written.cut, failing('denied', /part 3/))
  const body = await content('core')
  t.equal(body.length, 2 * PART_BYTES)
  t.match(written, { bytes: body.length, sha256: sha256(body), segments: [{ key: 'core', sha256: sha256(body) }] })
  t.ok(asked < 20)
  t.ok(closed, 'the stream was told')
})

t.test('a store that fails for good ends the wait for a stream that hangs, and leaves room for others', async (t) => {
  const { store } = setUp(t)
  const watching = watched(store, (call) =>
    call.startsWith('part 2 of') ? new StoreError('denied', 'cannot store part 2: no') : undefined,
  )
  async function* hanging() {
    yield Buffer.alloc(2.5 * PART_BYTES)
    await new Promise(() => {})
  }
  for (let count = 0; count <= MOST_PARTS; count++) {
    const written = await writeObject(watching.store, `core/${count}`, lent(hanging()), {}, long())
    t.match(written, { bytes: PART_BYTES, cut: failing('denied', /part 2/) })
  }
})

t.test('a store that takes nothing is the failure', async (t) => {
  const { store } = setUp(t)
  const denied = new StoreError('denied', 'cannot do it: no')
  for (const call of ['put x', 'begin x', 'part 1 of x', 'complete x']) {
    const watching = watched(store, (one) => (one === call ? denied : undefined))
    const body = randomBytes(call === 'put x' ? 10 : PART_BYTES + 10)
    const writing = writeObject(watching.store, 'x', lent(pieces(body, 1_000_000)), {}, long())
    await t.rejects(writing, failing('denied', /no/), call)
  }
})

t.test('segments that are stored stay, when a later one cannot be', async (t) => {
  const { store } = setUp(t)
  const body = randomBytes(3 * PART_BYTES)
  for (const [key, call, partsPerSegment] of [
    ['a', 'begin a.001', 1],
    ['b', 'part 1 of b.001', 1],
    ['c', 'put c.001', 2],
  ] as const) {
    const watching = watched(store, (one) => (one === call ? new StoreError('denied', 'cannot do it: no') : undefined))
    const options = { partsPerSegment }
    const written = await writeObject(watching.store, key, lent(pieces(body, 2_000_000)), options, long())
    const whole = body.subarray(0, partsPerSegment * PART_BYTES)
    const sum = sha256(whole)
    t.same(written.segments, [{ key, bytes: whole.length, sha256: sum }], call)
    t.equal(written.sha256, sum)
    t.match(written.cut, failing('denied'))
  }
})

t.test('memory goes round', async (t) => {
  const memories = new Set<ArrayBufferLike>()
  let out = 0
  async function* source(): AsyncGenerator<Lease, void, void> {
    for (let count = 0; count < 20; count++) {
      t.equal(out++, 0, 'each piece goes back before the next is asked for')
      yield leased(Buffer.alloc(PART_BYTES / 2, count), () => out--)
    }
  }
  let bytes = 0
  for await (const part of gather(source(), long())) {
    memories.add(part.bytes.buffer)
    bytes += part.bytes.length
    part.release()
  }
  t.equal(bytes, 10 * PART_BYTES)
  t.equal(out, 0)
  t.ok(memories.size <= 2, 'the part in hand and the one being filled')
})

t.test('no more is gathered than what may be under way and one part, until the signal ends the wait', async (t) => {
  const piece = Buffer.alloc(PART_BYTES, 7)
  async function* source(): AsyncGenerator<Lease, void, void> {
    for (;;) yield unlent(piece)
  }
  const enough = new AbortController()
  const parts = gather(source(), enough.signal)
  const kept = [await parts.next()]
  while (kept.length <= MOST_PARTS) kept.push(await parts.next())
  let came = false
  const waiting = parts.next().then(() => {
    came = true
  })
  await sleep(50)
  t.notOk(came)
  kept[0]?.value?.release()
  await waiting
  const inVain = parts.next()
  enough.abort(new Error('enough'))
  await t.rejects(inVain, { message: 'enough' })
})
