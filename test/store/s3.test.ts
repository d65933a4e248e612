import { AbortMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { openArchive, openStore } from '../../agent/store/open.ts'
import { PART_BYTES } from '../../agent/store/part-bytes.ts'
import { prefixed } from '../../agent/store/prefixed.ts'
import { retrying } from '../../agent/store/retrying.ts'
import { s3Store } from '../../agent/store/s3/store.ts'
import { failing } from '../contract/failing.ts'
import { flaky } from '../contract/flaky.ts'
import { storeContract } from '../contract/store.ts'
import { startS3Server } from '../s3-server.ts'

const signal = AbortSignal.timeout(240_000)
// Longer than a runner allows by itself, for machines that do much else.
t.setTimeout(180_000)
/** What Ceph's gateway does otherwise than S3. */
const CEPH = { completeIsCreateOnly: false, completesSubset: false }
const bucket = (name: string) => ({ scheme: 's3', bucket: name, prefix: '' }) as const
const server = await startS3Server()

if (typeof server === 'string') {
  t.test('an S3 bucket keeps the contract', { skip: server }, async () => {})
} else {
  const { settings } = server
  t.teardown(() => server[Symbol.asyncDispose]())

  t.test('an S3 bucket keeps the contract', async (t) => {
    await server.makeBucket('contract')
    await using store = await openStore('s3://contract/pre fix/', settings, signal)
    await using archive = await openArchive('s3://contract/pre fix', settings, signal)
    t.equal(store.url, 's3://contract/pre fix')
    t.equal(archive.url, store.url)
    await storeContract(t, { store, archive, ...CEPH })
    const { clockSkew } = await store.put('skew', Buffer.from('x'), signal)
    t.ok(clockSkew !== undefined && Math.abs(clockSkew) < 60_000, 'the same machine has the same time')
  })

  t.test('so does one of which every first try fails', async (t) => {
    await server.makeBucket('flaky')
    await using store = retrying(flaky(await s3Store(bucket('flaky'), settings)), 8)
    await using archive = await openArchive('s3://flaky', settings, signal)
    await storeContract(t, { store, archive, ...CEPH })
  })

  t.test('so does what is below a prefix', async (t) => {
    await server.makeBucket('prefixed')
    await using store = prefixed(await s3Store(bucket('prefixed'), settings), 'v1/hosts/web/')
    await using archive = await openArchive('s3://prefixed/v1/hosts/web', settings, signal)
    await storeContract(t, { store, archive, ...CEPH })
  })

  t.test('the host needs to put, and nothing else', async (t) => {
    await server.makeBucket('add-only')
    await server.forbid('add-only', [
      's3:GetObject',
      's3:ListBucket',
      's3:DeleteObject',
      's3:AbortMultipartUpload',
      's3:ListMultipartUploadParts',
      's3:ListBucketMultipartUploads',
    ])
    await using store = await openStore('s3://add-only', settings, signal)
    await store.warm(signal)
    await store.put('small', Buffer.from('x'), signal)
    const upload = await store.begin('large', signal)
    await upload.part(1, Buffer.alloc(PART_BYTES), signal)
    await upload.complete(signal)
    await t.rejects(store.put('small', Buffer.from('y'), signal), failing('exists'))
    await using archive = await openArchive('s3://add-only', settings, signal)
    await t.rejects(Array.fromAsync(archive.list('', signal)), failing('denied', /may not s3:ListBucket/))
    await t.rejects(archive.read('small', 0, signal), failing('denied', /may not s3:GetObject/))
  })

  t.test('a denied put says which permission is missing, and for what', async (t) => {
    await server.makeBucket('closed')
    await server.forbid('closed', ['s3:PutObject'])
    await using store = await openStore('s3://closed/bundles', { ...settings, owner: '123456789012' }, signal)
    const message = /cannot store s3:\/\/closed\/bundles\/a: .*s3:PutObject.*account 123456789012/
    await t.rejects(store.put('a', Buffer.from('x'), signal), failing('denied', message))
    await t.rejects(store.begin('a', signal), failing('denied', /s3:PutObject/))
  })

  t.test('without checksums, for stores that refuse them', async (t) => {
    await server.makeBucket('plain')
    await using store = await openStore('s3://plain', { ...settings, checksums: 'required' }, signal)
    await store.put('small', Buffer.from('x'), signal)
    const upload = await store.begin('large', signal)
    await upload.part(1, Buffer.from('first'), signal)
    t.match(await upload.complete(signal), { bytes: 5 })
  })

  t.test('a listing has more than one page', async (t) => {
    await server.makeBucket('pages')
    await using store = await openStore('s3://pages/index', settings, signal)
    await using archive = await openArchive('s3://pages/index', settings, signal)
    const keys = Array.from({ length: 1001 }, (_, index) => `dt=2026-01-01/${String(index).padStart(4, '0')}`)
    const todo = keys.values()
    const some = async () => {
      for (const key of todo) await store.put(key, Buffer.alloc(0), signal)
    }
    await Promise.all([some(), some(), some(), some(), some(), some(), some(), some()])
    const listed = await Array.fromAsync(archive.list('dt=2026-01-01/', signal))
    t.same(
      listed.map(({ key }) => key),
      keys,
    )
  })

  t.test('an upload that was aborted by somebody else is gone for good', async (t) => {
    await server.makeBucket('gone')
    await using store = await openStore('s3://gone', settings, signal)
    const upload = await store.begin('core', signal)
    const { Uploads = [] } = await server.client.send(new ListMultipartUploadsCommand({ Bucket: 'gone' }))
    for (const { Key, UploadId } of Uploads) {
      await server.client.send(new AbortMultipartUploadCommand({ Bucket: 'gone', Key, UploadId }))
    }
    await t.rejects(upload.part(1, Buffer.from('x'), signal), failing('permanent', /lifecycle rule/))
  })
}
