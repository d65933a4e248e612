import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { PART_BYTES } from '../../agent/store/part-bytes.ts'
import { retrying } from '../../agent/store/retrying.ts'
import { s3Archive } from '../../agent/store/s3/archive.ts'
import { CAPTURE_PATIENCE, type Patience } from '../../agent/store/s3/client.ts'
import { s3Store } from '../../agent/store/s3/store.ts'
import { writeObject } from '../../agent/store/write-object.ts'
import { deadlineIn } from '../../agent/words/deadline.ts'
import { failing } from '../contract/failing.ts'
import { type FaultyProxy, faultyProxy } from '../faulty-proxy.ts'
import { type S3Server, startS3Server } from '../s3-server.ts'
import { lent } from '../streams/poisoned.ts'

const BUCKET = { scheme: 's3', bucket: 'faults', prefix: '' } as const
const long = () => AbortSignal.timeout(150_000)
const soon = () => AbortSignal.timeout(500)
/** Time for an answer, on a machine that does much else. */
const later = () => AbortSignal.timeout(3_000)

// Longer than a runner allows by itself, for machines that do much else.
t.setTimeout(180_000)
const server = await startS3Server()
if (typeof server === 'string') {
  t.test('S3 through a faulty network', { skip: server }, async () => {})
} else {
  t.teardown(() => server[Symbol.asyncDispose]())
  await server.makeBucket(BUCKET.bucket)
  await faults(server)
}

async function faults(server: S3Server): Promise<void> {
  /** A proxy of its own for each test, and what talks through it. */
  async function setUp(t: Test, patience: Partial<Patience> = {}) {
    const proxy = await faultyProxy(server.endpoint)
    const settings = { ...server.settings, endpoint: proxy.endpoint }
    const store = retrying(
      await s3Store(BUCKET, settings, { ...CAPTURE_PATIENCE, ...patience }),
      Number.POSITIVE_INFINITY,
    )
    const archive = await s3Archive(BUCKET, settings, { ...CAPTURE_PATIENCE, tries: 5, ...patience })
    t.teardown(async () => {
      await store[Symbol.asyncDispose]()
      await archive[Symbol.asyncDispose]()
      await proxy[Symbol.asyncDispose]()
    })
    const content = async (key: string) => Buffer.concat(await Array.fromAsync(await archive.read(key, 0, long())))
    return { proxy, store, archive, content }
  }
  const count = (proxy: FaultyProxy, line: RegExp) => proxy.seen.filter((one) => line.test(one)).length

  t.test('a busy store is asked again', async (t) => {
    const { proxy, store, content } = await setUp(t)
    proxy.on(/^PUT/, { kind: 'answer', status: 503, code: 'SlowDown' }, 2)
    // As KMS has it, by way of the store.
    proxy.on(/^PUT/, { kind: 'answer', status: 400, code: 'ThrottlingException' }, 1)
    await store.put('busy', Buffer.from('x'), long())
    t.equal(count(proxy, /^PUT/), 4)
    t.equal(String(await content('busy')), 'x')
  })

  t.test('an object whose answer was lost is our own', async (t) => {
    const { proxy, store, content } = await setUp(t)
    proxy.on(/^PUT/, { kind: 'cut-answer', after: 0 }, 1)
    t.match(await store.put('lost', Buffer.from('mine'), long()), { bytes: 4 })
    t.equal(count(proxy, /^PUT/), 2)
    t.equal(String(await content('lost')), 'mine')
  })

  t.test('an object that was there before a busy store answered is not', async (t) => {
    const { proxy, store } = await setUp(t)
    await store.put('theirs', Buffer.from('theirs'), long())
    proxy.on(/^PUT/, { kind: 'answer', status: 503, code: 'SlowDown' }, 1)
    await t.rejects(store.put('theirs', Buffer.from('mine'), long()), failing('exists'))
  })

  t.test('an upload survives the loss of every first answer', async (t) => {
    const { proxy, store, content } = await setUp(t)
    for (const line of [/^POST .*uploads/, /partNumber=1/, /partNumber=2/, /^POST .*uploadId/]) {
      proxy.on(line, { kind: 'cut-answer', after: 0 }, 1)
    }
    const body = randomBytes(PART_BYTES + 1)
    const upload = await store.begin('upload-lost', long())
    await upload.part(1, body.subarray(0, PART_BYTES), long())
    await upload.part(2, body.subarray(PART_BYTES), long())
    t.match(await upload.complete(long()), { bytes: body.length })
    t.equal(count(proxy, /^(PUT|POST)/), 8)
    t.ok((await content('upload-lost')).equals(body))
  })

  t.test('an upload that is gone after a lost answer has become our object', async (t) => {
    const { proxy, store } = await setUp(t)
    const complete = /^POST .*uploadId/
    for (const [status, code] of [
      [404, 'NoSuchUpload'],
      [412, 'PreconditionFailed'],
    ] as const) {
      const upload = await store.begin(`gone-${code}`, long())
      await upload.part(1, Buffer.from('x'), long())
      proxy.on(complete, { kind: 'cut-answer', after: 0 }, 1)
      proxy.on(complete, { kind: 'answer', status, code }, 1)
      t.match(await upload.complete(long()), { bytes: 1 })
    }
    t.equal(count(proxy, complete), 4)
  })

  t.test('an upload that is gone before is a failure', async (t) => {
    const { proxy, store } = await setUp(t)
    const upload = await store.begin('gone-before', long())
    await upload.part(1, Buffer.from('x'), long())
    proxy.on(/^POST/, { kind: 'answer', status: 404, code: 'NoSuchUpload' }, 1)
    await t.rejects(upload.complete(long()), failing('permanent', /the upload is gone/))
    proxy.on(/^POST/, { kind: 'answer', status: 412, code: 'PreconditionFailed' }, 1)
    await t.rejects(upload.complete(long()), failing('exists'))
  })

  for (const kind of ['stall', 'cut'] as const) {
    t.test(`a part whose connection suffers a ${kind} is sent again`, async (t) => {
      const { proxy, store, content } = await setUp(t, { silence: 1_000 })
      const body = randomBytes(PART_BYTES)
      // So that it is known how fast the way is.
      await store.put(`before-${kind}`, body, long())
      proxy.on(/partNumber=1/, { kind, after: 1_000_000 }, 2)
      const upload = await store.begin(`part-${kind}`, long())
      await upload.part(1, body, long())
      await upload.complete(long())
      t.ok(count(proxy, /partNumber=1/) >= 3)
      t.ok((await content(`part-${kind}`)).equals(body))
    })
  }

  t.test('a slow connection is no silent one', async (t) => {
    const { proxy, store } = await setUp(t, { silence: 2_000 })
    proxy.on(/^PUT/, { kind: 'slow', rate: 20_000_000 })
    await store.put('slow', Buffer.alloc(64 * 1024 * 1024), long())
    t.equal(count(proxy, /^PUT/), 1)
  })

  t.test('a store that accepts and never answers costs as long as the signal allows', async (t) => {
    const { proxy, store, archive } = await setUp(t)
    proxy.on(/./, { kind: 'stall', after: 0 })
    await t.rejects(store.warm(soon()), failing('transient'))
    await t.rejects(store.put('dead', Buffer.from('x'), soon()), failing('transient', /dead: its time was up/))
    await t.rejects(store.begin('dead', soon()), failing('transient'))
    await t.rejects(archive.read('dead', 0, soon()), failing('transient'))
    await t.rejects(Array.fromAsync(archive.list('', soon())), failing('transient'))
    t.equal(count(proxy, /^PUT/), 1)
  })

  t.test('what the store did last is told when the time is up', async (t) => {
    const { proxy, store } = await setUp(t, { silence: 100 })
    proxy.on(/./, { kind: 'stall', after: 0 })
    await t.rejects(store.put('dead', Buffer.from('x'), later()), failing('transient', /127.0.0.1:\d+ fell silent/))
    await proxy.refuse()
    await t.rejects(store.put('dead', Buffer.from('x'), later()), failing('transient', /refused the connection/))
  })

  t.test('a store that comes back is found', async (t) => {
    const { proxy, store, content } = await setUp(t)
    await proxy.refuse()
    const put = store.put('back', Buffer.from('x'), long())
    await sleep(300)
    await proxy.accept()
    await put
    t.equal(String(await content('back')), 'x')
  })

  t.test('a reader does not wait for ever', async (t) => {
    const { proxy, archive } = await setUp(t, { tries: 2 })
    proxy.on(/^GET/, { kind: 'answer', status: 500, code: 'InternalError' })
    await t.rejects(Array.fromAsync(archive.list('', long())), failing('transient', /500 InternalError/))
    t.equal(count(proxy, /^GET/), 2)
  })

  for (const kind of ['stall-answer', 'cut-answer'] as const) {
    t.test(`reading goes on after a ${kind}`, async (t) => {
      const { proxy, store, content } = await setUp(t, { silence: 1_000 })
      const body = randomBytes(6_000_000)
      await store.put(`read-${kind}`, body, long())
      proxy.on(/^GET/, { kind, after: 2_000_000 }, 2)
      t.ok((await content(`read-${kind}`)).equals(body))
      t.ok(count(proxy, /^GET/) >= 3)
    })
  }

  t.test('reading does not go on in another object', async (t) => {
    const { proxy, store, archive } = await setUp(t)
    await store.put('replaced', randomBytes(6_000_000), long())
    proxy.on(/^GET/, { kind: 'cut-answer', after: 2_000_000 }, 1)
    const reading = await archive.read('replaced', 0, long())
    const upload = await store.begin('replaced', long())
    await upload.part(1, randomBytes(6_000_000), long())
    // This server lets a completed upload replace an object.
    await upload.complete(long())
    await t.rejects(Array.fromAsync(reading), failing('permanent', /another object/))
  })

  t.test('when the store fails for good, the leading parts become the object', async (t) => {
    const { proxy, store, content } = await setUp(t)
    proxy.on(/partNumber=3/, { kind: 'answer', status: 403, code: 'AccessDenied' })
    const body = randomBytes(4 * PART_BYTES)
    async function* chunks() {
      for (let at = 0; at < body.length; at += 3_000_000) yield body.subarray(at, at + 3_000_000)
    }
    const written = await writeObject(store, 'leading', lent(chunks()), { inFlight: 1 }, long())
    const leading = body.subarray(0, 2 * PART_BYTES)
    t.equal(written.bytes, leading.length)
    t.equal(written.sha256, createHash('sha256').update(leading).digest('hex'))
    t.match(written.cut, failing('denied'))
    t.ok((await content('leading')).equals(leading))
  })

  t.test(
    'a part that has arrived without our knowledge is in the object, where the store wants all that it has',
    async (t) => {
      const { proxy, store, content } = await setUp(t)
      proxy.on(/partNumber=2/, { kind: 'stall-answer', after: 0 })
      const body = randomBytes(3 * PART_BYTES)
      async function* chunks() {
        for (let at = 0; at < body.length; at += 3_000_000) yield body.subarray(at, at + 3_000_000)
      }
      const until = deadlineIn(4_000)
      const written = await writeObject(store, 'doubtful', lent(chunks()), { inFlight: 1, until }, long())
      t.match(written.cut, failing('transient', /part 2/))
      t.ok([1, 2].includes(written.bytes / PART_BYTES), `${written.bytes} bytes`)
      const stored = body.subarray(0, written.bytes)
      t.equal(written.sha256, createHash('sha256').update(stored).digest('hex'))
      t.ok((await content('doubtful')).equals(stored))
    },
  )

  t.test('a wrong clock is set right by the store', async (t) => {
    const { proxy, store } = await setUp(t)
    const now = Date.now
    t.teardown(() => {
      Date.now = now
    })
    Date.now = () => now() + 7_200_000
    const { clockSkew = 0 } = await store.put('skewed', Buffer.from('x'), long())
    t.equal(count(proxy, /^PUT/), 2, 'refused once')
    t.ok(Math.abs(clockSkew + 7_200_000) < 60_000, 'and the skew is told')
  })

  t.test('an error within an answer of 200 is one', async (t) => {
    const { proxy, store } = await setUp(t)
    const upload = await store.begin('late-error', long())
    await upload.part(1, Buffer.from('x'), long())
    proxy.on(/^POST/, { kind: 'answer', status: 200, code: 'InternalError' }, 1)
    await upload.complete(long())
    t.equal(count(proxy, /^POST .*uploadId/), 2)
  })

  t.test('an error that nobody has heard of is told in the store`s words', async (t) => {
    const { proxy, store } = await setUp(t)
    proxy.on(/^PUT/, { kind: 'answer', status: 400, code: 'constructor' }, 1)
    await t.rejects(store.put('x', Buffer.from('x'), long()), failing('permanent', /400 constructor: so it is/))
    proxy.on(/^PUT/, { kind: 'answer', status: 403, code: 'Novel' }, 1)
    await t.rejects(store.put('x', Buffer.from('x'), long()), failing('denied', /says 403 Novel: so it is$/))
  })

  t.test('the right region is named', async (t) => {
    const { proxy, store } = await setUp(t)
    const more = '<Region>eu-central-1</Region>'
    proxy.on(/^PUT/, { kind: 'answer', status: 400, code: 'AuthorizationHeaderMalformed', more })
    const message = /in region eu-central-1, not in us-east-1: set s3.region/
    await t.rejects(store.put('x', Buffer.from('x'), long()), failing('permanent', message))
    t.equal(count(proxy, /^PUT/), 1)
  })
}
