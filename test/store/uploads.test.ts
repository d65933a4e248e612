import { randomBytes } from 'node:crypto'
import { link, mkdir, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PutBucketLifecycleConfigurationCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { directoryArchive } from '../../agent/store/directory/archive.ts'
import { directoryStore } from '../../agent/store/directory/store.ts'
import { directoryUploads } from '../../agent/store/directory/uploads.ts'
import { PART_BYTES } from '../../agent/store/part-bytes.ts'
import { retrying } from '../../agent/store/retrying.ts'
import { s3Archive } from '../../agent/store/s3/archive.ts'
import { soonest } from '../../agent/store/s3/expiry.ts'
import { s3Store } from '../../agent/store/s3/store.ts'
import { s3Uploads } from '../../agent/store/s3/uploads.ts'
import type { Unfinished } from '../../agent/store/uploads.ts'
import { inParallel } from '../../agent/words/in-parallel.ts'
import { uploadsContract } from '../contract/uploads.ts'
import { startS3Server } from '../s3-server.ts'

t.setTimeout(300_000)
const signal = AbortSignal.timeout(290_000)
/** A server on a machine under load may fall silent. One whose upload somebody else has completed says for ever that it is being completed. */
const TRIES = 5

t.test('unfinished uploads in a directory', async (t) => {
  const root = t.testdir()
  await uploadsContract(t, {
    store: directoryStore(root),
    archive: directoryArchive(root),
    uploads: directoryUploads(root),
  })
})

t.test('what somebody else has put among a directory’s uploads is none', async (t) => {
  const root = t.testdir({ secret: 'secret', fifo: {} })
  const uploads = directoryUploads(root)
  const put = async (id: string, key: string) => {
    await mkdir(join(root, '.uploads', id), { recursive: true })
    await writeFile(join(root, '.uploads', id, 'key'), key)
  }
  await put('0000000000000001', '../../etc/passwd')
  await put('0000000000000002', '')
  await put('0000000000000003', `v1/${'x'.repeat(3_000)}`)
  await put('0000000000000004', 'v1/linked')
  await symlink(join(root, 'secret'), join(root, '.uploads/0000000000000004/data'))
  await put('not-an-upload', 'v1/x')
  await mkdir(join(root, '.uploads/0000000000000005/key'), { recursive: true })
  const found = await Array.fromAsync(uploads.list('', signal))
  t.same(found, [{ key: 'v1/linked', id: '0000000000000004' }])
  await t.rejects(uploads.parts(found[0] as Unfinished, signal), { message: /symbolic link/ })
})

t.test('what is left of an upload that its host has completed is none', async (t) => {
  const root = t.testdir()
  const upload = await directoryStore(root).begin('v1/a', signal)
  await upload.part(1, randomBytes(1000), signal)
  const uploads = directoryUploads(root)
  const [found] = (await Array.fromAsync(uploads.list('', signal))) as [Unfinished]
  await link(join(root, '.uploads', found.id, 'data'), join(root, 'v1-other'))
  t.equal((await Array.fromAsync(uploads.list('', signal))).length, 1)
  await mkdir(join(root, 'v1'))
  await link(join(root, '.uploads', found.id, 'data'), join(root, 'v1/a'))
  t.same(await Array.fromAsync(uploads.list('', signal)), [])
})

t.test('a part that was cut while it was written says how much of it is missing', async (t) => {
  const root = t.testdir()
  const upload = await directoryStore(root).begin('v1/a', signal)
  const cut = Buffer.alloc(PART_BYTES)
  // To a page, and to the end of what it holds.
  randomBytes(3 * 1024 ** 2 + 4096 + 100).copy(cut)
  for (const [i, body] of [randomBytes(PART_BYTES), cut, randomBytes(10)].entries())
    await upload.part(i + 1, body, signal)
  const uploads = directoryUploads(root)
  const [found] = (await Array.fromAsync(uploads.list('', signal))) as [Unfinished]
  const parts = await uploads.parts(found, signal)
  t.same(
    parts.map(({ missing }) => missing),
    [undefined, 5 * 1024 ** 2 - 2 * 4096, undefined],
  )
})

t.test('what a power cut left behind the last part is no part', async (t) => {
  const root = t.testdir()
  const upload = await directoryStore(root).begin('v1/a', signal)
  const body = randomBytes(PART_BYTES)
  await upload.part(1, body, signal)
  const [found] = (await Array.fromAsync(directoryUploads(root).list('', signal))) as [Unfinished]
  await truncate(join(root, '.uploads', found.id, 'data'), 3 * PART_BYTES + 5)
  const uploads = directoryUploads(root)
  const parts = await uploads.parts(found, signal)
  t.same(parts, [{ number: 1, bytes: PART_BYTES }])
  t.equal(await uploads.complete(found, parts, { numbers: [], bytes: PART_BYTES }, signal), 'completed')
  const [object] = await Array.fromAsync(directoryArchive(root).list('', signal))
  t.equal(object?.bytes, PART_BYTES)
})

t.test('the rule that removes uploads soonest', async (t) => {
  const aborts = (DaysAfterInitiation: number) => ({
    Status: 'Enabled' as const,
    ID: `${DaysAfterInitiation}`,
    AbortIncompleteMultipartUpload: { DaysAfterInitiation },
  })
  const rules = [
    aborts(14),
    { ...aborts(9), Filter: { Prefix: 'prod/v1/' } },
    { ...aborts(8), Filter: { And: { Prefix: 'prod/v1/hosts/web-7/', Tags: [] } } },
    { ...aborts(3), Filter: { Prefix: 'other/' } },
    { ...aborts(2), Prefix: 'elsewhere' },
    { ...aborts(1), Status: 'Disabled' as const },
    { Status: 'Enabled' as const, ID: 'bundles', Expiration: { Days: 1 } },
  ]
  t.same(soonest(rules, 'prod/v1/hosts/'), { days: 8, rule: '8' })
  t.same(soonest(rules, 'test/v1/hosts/'), { days: 14, rule: '14' })
  t.same(soonest([], ''), undefined)
})

const server = await startS3Server()
if (typeof server === 'string') t.test('unfinished uploads in a bucket', { skip: server }, async () => {})
else {
  t.teardown(() => server[Symbol.asyncDispose]())
  const opened = async (bucket: string, prefix: string) => {
    await server.makeBucket(bucket)
    const where = { scheme: 's3', bucket, prefix } as const
    const store = retrying(await s3Store(where, server.settings), TRIES)
    const archive = await s3Archive(where, server.settings)
    const uploads = await s3Uploads(where, server.settings)
    t.teardown(async () => {
      for (const one of [store, archive, uploads]) await one[Symbol.asyncDispose]()
    })
    return { store, archive, uploads }
  }

  t.test('unfinished uploads in a bucket', async (t) => {
    await uploadsContract(t, await opened('uploads', 'prod/'))
  })

  t.test('a late part changes what is to be completed', async (t) => {
    const { store, uploads } = await opened('late', '')
    const upload = await store.begin('v1/late', signal)
    await upload.part(1, randomBytes(PART_BYTES), signal)
    const [found] = (await Array.fromAsync(uploads.list('v1/', signal))) as [Unfinished]
    const parts = await uploads.parts(found, signal)
    await upload.part(2, randomBytes(10), signal)
    t.equal(await uploads.complete(found, parts, { numbers: [], bytes: PART_BYTES }, signal), 'changed')
    t.equal((await uploads.parts(found, signal)).length, 2)
  })

  t.test('more uploads, and more parts, than an answer holds', async (t) => {
    const { store, uploads } = await opened('many', '')
    const keys = Array.from({ length: 1_010 }, (_, i) => `v1/${String(i).padStart(4, '0')}`)
    await inParallel(keys, 8, (key) => store.begin(key, signal))
    const found = await Array.fromAsync(uploads.list('v1/', signal))
    t.same(found.map(({ key }) => key).sort(), keys)
    const upload = await store.begin('v2/parts', signal)
    const numbers = Array.from({ length: 1_005 }, (_, i) => i + 1)
    await inParallel(numbers, 8, (number) => upload.part(number, Buffer.from('x'), signal))
    const [one] = (await Array.fromAsync(uploads.list('v2/', signal))) as [Unfinished]
    const parts = await uploads.parts(one, signal)
    t.same(
      parts.map(({ number }) => number),
      numbers,
    )
  })

  t.test('the lifecycle of a bucket, as far as it may be seen', async (t) => {
    const { uploads } = await opened('lifecycle', 'prod/')
    t.equal(await uploads.expiry('v1/', signal), undefined, 'there is none')
    const rule = { ID: 'tidy', Status: 'Enabled', Filter: { Prefix: '' } } as const
    const LifecycleConfiguration = {
      Rules: [{ ...rule, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }],
    }
    await server.client.send(
      new PutBucketLifecycleConfigurationCommand({ Bucket: 'lifecycle', LifecycleConfiguration }),
    )
    t.same(await uploads.expiry('v1/', signal), { days: 1, rule: 'tidy' })
    await server.forbid('lifecycle', ['s3:GetLifecycleConfiguration'])
    t.equal(await uploads.expiry('v1/', signal), undefined, 'it may not be seen')
  })
}
