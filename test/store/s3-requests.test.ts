import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import t, { type Test } from 'tap'
import { openStore } from '../../agent/store/open.ts'
import type { S3Settings } from '../../agent/store/s3/client.ts'
import { failing } from '../contract/failing.ts'
import { faultyProxy } from '../faulty-proxy.ts'
import { type S3Server, startS3Server } from '../s3-server.ts'

const signal = AbortSignal.timeout(180_000)
const body = Buffer.from('evidence')
const crc = Buffer.alloc(4)
crc.writeUInt32BE(crc32(body))
const CHECKSUM = crc.toString('base64')

// Longer than a runner allows by itself, for machines that do much else.
t.setTimeout(180_000)
const server = await startS3Server()
if (typeof server === 'string') {
  t.test('what is asked of an S3 store', { skip: server }, async () => {})
} else {
  t.teardown(() => server[Symbol.asyncDispose]())
  await server.makeBucket('asked')
  await requests(server)
}

async function requests(server: S3Server): Promise<void> {
  async function setUp(t: Test, change: Partial<S3Settings> = {}) {
    const proxy = await faultyProxy(server.endpoint)
    const store = await openStore('s3://asked', { ...server.settings, endpoint: proxy.endpoint, ...change }, signal)
    t.teardown(async () => {
      await store[Symbol.asyncDispose]()
      await proxy[Symbol.asyncDispose]()
    })
    return { proxy, store }
  }

  t.test('a put creates, is checked and signed whole', async (t) => {
    const { proxy, store } = await setUp(t)
    await store.put('put', body, signal)
    const [request = ''] = proxy.requests
    t.match(request, /^PUT \/asked\/put\b/)
    t.match(request, /\r\nif-none-match: \*\r\n/i)
    t.ok(request.includes(`\r\nx-amz-checksum-crc32: ${CHECKSUM}\r\n`))
    t.ok(request.includes(`\r\nx-amz-content-sha256: ${createHash('sha256').update(body).digest('hex')}\r\n`))
    await store.put('large', Buffer.alloc(3 * 1024 * 1024), signal)
    t.notMatch(proxy.requests.join(''), /\r\n(content-encoding|transfer-encoding|expect|x-amz-expected-bucket-owner):/i)
  })

  t.test('completing creates, and lists the leading parts with their checksums', async (t) => {
    const { proxy, store } = await setUp(t)
    const upload = await store.begin('upload', signal)
    await upload.part(1, body, signal)
    await upload.part(3, body, signal)
    // This server wants every part named that it has; others do not.
    await t.rejects(upload.complete(signal), failing('permanent', /InvalidPart/))
    const [begin = '', first = '', , complete = ''] = proxy.requests
    t.match(begin, /\r\nx-amz-checksum-algorithm: CRC32\r\n/i)
    t.ok(first.includes(`\r\nx-amz-checksum-crc32: ${CHECKSUM}\r\n`))
    t.match(complete, /\r\nif-none-match: \*\r\n/i)
    t.same(complete.match(/<PartNumber>\d+/g), ['<PartNumber>1'])
    t.ok(complete.includes(`<ChecksumCRC32>${CHECKSUM}<`))
  })

  t.test('a part is checked, but not signed whole unless the bucket wants it', async (t) => {
    const { proxy, store } = await setUp(t)
    const signed = `\r\nx-amz-content-sha256: ${createHash('sha256').update(body).digest('hex')}\r\n`
    const upload = await store.begin('parts', signal)
    await upload.part(1, body, signal)
    t.match(proxy.requests[1], /\r\nx-amz-content-sha256: UNSIGNED-PAYLOAD\r\n/)
    proxy.on(/^PUT/, { kind: 'answer', status: 403, code: 'AccessDenied' }, 1)
    await upload.part(1, body, signal)
    await upload.part(1, body, signal)
    const [, , refused = '', again = '', next = ''] = proxy.requests
    t.notOk(refused.includes(signed))
    t.ok(again.includes(signed))
    t.ok(next.includes(signed), 'the bucket is not asked twice')
    await upload.complete(signal)
    proxy.on(/^PUT/, { kind: 'answer', status: 403, code: 'AccessDenied' }, 1)
    await t.rejects(upload.part(1, body, signal), failing('denied'), 'who may not store at all is told so')
  })

  t.test('no checksum where none is wanted', async (t) => {
    const { proxy, store } = await setUp(t, { checksums: 'required' })
    await store.put('plain', body, signal)
    const upload = await store.begin('plain-upload', signal)
    await upload.part(1, body, signal)
    await upload.complete(signal)
    t.equal(proxy.requests.length, 4)
    t.notMatch(proxy.requests.join(''), /checksum|UNSIGNED/i)
  })

  t.test('every request names the owner that is expected', async (t) => {
    const { proxy, store } = await setUp(t, { owner: '123456789012' })
    proxy.on(/./, { kind: 'answer', status: 403, code: 'AccessDenied' })
    await t.rejects(store.put('owned', body, signal), failing('denied', /account 123456789012/))
    await t.rejects(store.begin('owned', signal), failing('denied'))
    t.equal(proxy.requests.length, 2)
    for (const request of proxy.requests) t.match(request, /\r\nx-amz-expected-bucket-owner: 123456789012\r\n/i)
  })

  t.test('warm asks without a signature, and leaves an open connection', async (t) => {
    const { proxy, store } = await setUp(t)
    await store.warm(signal)
    t.match(proxy.requests, [/^HEAD \/asked/])
    t.notMatch(proxy.requests.join(''), /authorization/i)
    await store.put('after-warm', body, signal)
    t.match(proxy.requests[1], /authorization/i)
    t.equal(proxy.connections(), 1)
  })

  t.test('virtual addressing puts the bucket into the host name', async (t) => {
    const settings = { ...server.settings, endpoint: 'http://store.invalid' }
    const hostOf = async (addressing: S3Settings['addressing']) => {
      await using store = await openStore('s3://asked', { ...settings, addressing }, signal)
      return await store.warm(signal).then(
        () => '',
        (error: Error) => error.message,
      )
    }
    t.match(await hostOf('virtual'), / asked\.store\.invalid cannot be resolved/)
    t.match(await hostOf('path'), / store\.invalid cannot be resolved/)
  })
}
