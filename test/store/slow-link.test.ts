import { createHash, randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { PART_BYTES } from '../../agent/store/part-bytes.ts'
import { retrying } from '../../agent/store/retrying.ts'
import { s3Archive } from '../../agent/store/s3/archive.ts'
import { CAPTURE_PATIENCE } from '../../agent/store/s3/client.ts'
import { s3Store } from '../../agent/store/s3/store.ts'
import { writeObject } from '../../agent/store/write-object.ts'
import { deadlineIn } from '../../agent/words/deadline.ts'
import { faultyProxy } from '../faulty-proxy.ts'
import { type S3Server, startS3Server } from '../s3-server.ts'
import { lent } from '../streams/poisoned.ts'

const BUCKET = { scheme: 's3', bucket: 'slow', prefix: '' } as const
const MB = 1_000_000
/** Bytes a second: what goes into buffers does so some ten times faster, and a busy machine measures 8 MB as a little more. */
const OF_BUFFERS = 40 * MB
const long = () => AbortSignal.timeout(120_000)
const sha256 = (body: Buffer) => createHash('sha256').update(body).digest('hex')

// Longer than a runner allows by itself, for machines that do much else.
t.setTimeout(180_000)
const server = await startS3Server()
if (typeof server === 'string') {
  t.test('S3 over a slow link', { skip: server }, async () => {})
} else {
  t.teardown(() => server[Symbol.asyncDispose]())
  await server.makeBucket(BUCKET.bucket)
  await slowLinks(server)
}

async function slowLinks(server: S3Server): Promise<void> {
  async function setUp(t: Test, rate: number) {
    const proxy = await faultyProxy(server.endpoint)
    proxy.slowLink(rate)
    const settings = { ...server.settings, endpoint: proxy.endpoint }
    // That is shorter than any part takes here, and than what buffers take to drain.
    const store = retrying(
      await s3Store(BUCKET, settings, { ...CAPTURE_PATIENCE, silence: 400 }),
      Number.POSITIVE_INFINITY,
    )
    const archive = await s3Archive(BUCKET, server.settings)
    t.teardown(async () => {
      await store[Symbol.asyncDispose]()
      await archive[Symbol.asyncDispose]()
      await proxy[Symbol.asyncDispose]()
    })
    const content = async (key: string) => Buffer.concat(await Array.fromAsync(await archive.read(key, 0, long())))
    const parts = (number: number) =>
      proxy.seen.filter((line) => new RegExp(`partNumber=${number}\\b`).test(line)).length
    return { proxy, store, content, parts }
  }
  async function* pieces(body: Buffer) {
    for (let at = 0; at < body.length; at += MB) yield body.subarray(at, at + MB)
  }

  t.test('a slow store is no silent one: no part is sent twice', async (t) => {
    const { store, content, parts } = await setUp(t, 8 * MB)
    await store.put('facts', randomBytes(MB), long())
    const body = randomBytes(2 * PART_BYTES + MB)
    const written = await writeObject(store, 'core', lent(pieces(body)), {}, long())
    t.equal(written.cut, undefined)
    t.ok((await content('core')).equals(body))
    t.same([1, 2, 3].map(parts), [1, 1, 1])
    t.ok((store.pace.rate ?? 0) < OF_BUFFERS, 'what lies in buffers is not taken for stored')
  })

  t.test('nor is one of which nothing is known yet', async (t) => {
    const { store, content, parts } = await setUp(t, 8 * MB)
    const body = randomBytes(PART_BYTES + 1)
    await writeObject(store, 'unknown', lent(pieces(body)), {}, long())
    t.ok((await content('unknown')).equals(body))
    t.same([1, 2].map(parts), [1, 1])
  })

  t.test('what the deadline cuts is an object, with a last part that just fits', async (t) => {
    const { store, content } = await setUp(t, 4 * MB)
    const body = randomBytes(60 * MB)
    // Several times what a part takes, on a machine that does much else; and less than the body does.
    const until = deadlineIn(10_000)
    const written = await writeObject(store, 'cut', lent(pieces(body)), { until }, long())
    t.match(written.cut, { message: /^its time was up: the store takes \d\.\d MB\/s$/ })
    t.ok(written.bytes > PART_BYTES && written.bytes % PART_BYTES > 0, `${written.bytes} bytes`)
    const stored = body.subarray(0, written.bytes)
    t.ok((await content('cut')).equals(stored))
    t.match(written, {
      sha256: sha256(stored),
      segments: [{ key: 'cut', bytes: stored.length, sha256: sha256(stored) }],
    })
  })

  t.test('what does not fit is not begun as a whole part: an object of one request', async (t) => {
    const { proxy, store, content } = await setUp(t, MB)
    await store.put('facts-2', randomBytes(200_000), long())
    const body = randomBytes(40 * MB)
    const written = await writeObject(store, 'short', lent(pieces(body)), { until: deadlineIn(2_000) }, long())
    t.ok(written.bytes > 100_000 && written.bytes < PART_BYTES, `${written.bytes} bytes`)
    t.ok((await content('short')).equals(body.subarray(0, written.bytes)))
    t.notOk(proxy.seen.some((line) => line.includes('uploads')))
  })

  t.test('a store that goes silent in the middle leaves what had landed', async (t) => {
    const { proxy, store, content } = await setUp(t, 1000 * MB)
    proxy.on(/partNumber=3/, { kind: 'stall', after: MB })
    const body = randomBytes(5 * PART_BYTES)
    const until = deadlineIn(12_000)
    const written = await writeObject(store, 'silent', lent(pieces(body)), { inFlight: 1, until }, long())
    t.match(written.cut, { name: 'StoreError', message: /part 3 of / })
    t.equal(written.bytes, 2 * PART_BYTES)
    t.ok((await content('silent')).equals(body.subarray(0, written.bytes)))
  })
}
