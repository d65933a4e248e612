import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import {
  CompleteMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t, { type Test } from 'tap'
import { bundleDay, bundlePrefix, INDEX_PREFIX, newBundle, openKey } from '../../agent/bundle/keys.ts'
import { catalogue } from '../../agent/operator/catalogue/catalogue.ts'
import { PART_BYTES } from '../../agent/store/part-bytes.ts'
import type { Archive } from '../../agent/store/store.ts'
import { asProcess } from '../commands/lastgasp.ts'
import { startS3Server } from '../s3-server.ts'
import { askedBy } from './asked.ts'
import { captureTo } from './capturing.ts'
import { evaluate } from './evaluate.ts'
import { lessOne } from './less-one.ts'
import { type Scene, scene } from './scene.ts'
import { status } from './trespasses.ts'

const signal = AbortSignal.timeout(170_000)
t.setTimeout(180_000)
const server = await startS3Server()
if (typeof server === 'string') {
  t.test('what the printed policies let operators and salvage do, on Ceph', { skip: server }, async () => {})
} else {
  t.teardown(() => server[Symbol.asyncDispose]())
  const [host, operator, salvager] = [
    await server.makeUser('web-1'),
    await server.makeUser('oncall'),
    await server.makeUser('salvage'),
  ]
  const asHost = (made: Scene) => ({ user: host, policy: made.partsWith({ host: 'web-1' }).host })

  t.test('an operator reads bundles with the commands, and nothing less will do', async (t) => {
    const made = await scene(t, server, 'read')
    const own = made.parts.operator
    await made.allow([asHost(made), { user: operator, policy: own }])
    const { name } = await made.as(host, async () => captureTo(t, await made.store(t), 'web-1'))
    const { region = '' } = server.settings
    const store = ['--store', made.url, '--set', `s3.endpoint=${made.proxy.endpoint}`, '--set', 's3.addressing=path']
    const env = { AWS_ACCESS_KEY_ID: operator.accessKeyId, AWS_SECRET_ACCESS_KEY: operator.secretAccessKey }
    const run = (...args: string[]) => asProcess([...args, ...store, '--set', `s3.region=${region}`], env)

    const { recorded } = await made.proxy.while(async () => {
      t.match(await run('list'), { code: 0, stdout: name.bundle.slice(0, 15) })
      t.match(await run('show', 'web-1/latest'), { code: 0, stdout: /cores\/large/ })
      t.match(await run('fetch', 'latest', '--to', join(t.testdir(), 'to')), { code: 0 })
      t.match(await run('verify', name.bundle), { code: 0 })
    })
    t.ok(recorded.length > 10)
    t.strictSame(await made.as(operator, async () => refusedReads(await made.archive(t), name)), [])
    for (const request of recorded) {
      t.ok(request.status < 400, `${request.method} ${request.url}`)
      t.equal(evaluate([made.parts.bucket, own], askedBy(request)), 'allowed')
    }

    for (const { without, policy } of lessOne(own, 'Allow')) {
      await made.allow([asHost(made), { user: operator, policy }])
      const refused = await made.as(operator, async () => await refusedReads(await made.archive(t), name))
      t.match(refused.join('; '), /may not s3:(ListBucket|GetObject)/, `without ${without}`)
    }
  })

  t.test('an operator neither writes nor deletes nor looks aside', async (t) => {
    const made = await scene(t, server, 'read-only')
    await made.owner.send(new PutObjectCommand({ Bucket: made.bucket, Key: 'payroll', Body: 'x' }))
    await made.allow([asHost(made), { user: operator, policy: made.parts.operator }])
    const key = `${bundlePrefix(newBundle('web-1', Date.now()))}facts`
    await made.as(host, async () => (await made.store(t)).put(key, Buffer.from('evidence'), signal))
    const client = made.client(t, operator)
    const [Bucket, Key] = [made.bucket, `prod/${key}`]
    t.equal(await status(client.send(new GetObjectCommand({ Bucket, Key }))), 200)
    t.equal(await status(client.send(new GetObjectCommand({ Bucket, Key: 'payroll' }))), 403)
    t.equal(await status(client.send(new ListObjectsV2Command({ Bucket }))), 403)
    t.equal(await status(client.send(new ListObjectsV2Command({ Bucket, Prefix: 'pay' }))), 403)
    t.equal(await status(client.send(new DeleteObjectCommand({ Bucket, Key }))), 403)
    t.equal(
      await status(client.send(new PutObjectCommand({ Bucket, Key: `${Key}-2`, Body: 'x', IfNoneMatch: '*' }))),
      403,
    )
    t.equal(await status(client.send(new ListMultipartUploadsCommand({ Bucket }))), 403)
  })

  t.test('salvage completes what a host has left, and nothing less will do', async (t) => {
    const made = await scene(t, server, 'salvage')
    const own = made.parts.salvager
    await made.allow([asHost(made), { user: salvager, policy: own }])
    const { recorded } = await made.proxy.while(async () =>
      t.strictSame(await salvage(t, made), [], 'all of it is done'),
    )
    for (const request of recorded) {
      const { accessKeyId } = salvager
      if (!String(request.headers.authorization).includes(accessKeyId)) continue
      t.equal(evaluate([made.parts.bucket, own], askedBy(request)), 'allowed', `${request.method} ${request.url}`)
    }
    for (const { without, policy } of lessOne(own, 'Allow')) {
      await made.allow([asHost(made), { user: salvager, policy }])
      t.not((await salvage(t, made)).length, 0, `without ${without}`)
    }
  })

  t.test('salvage says nothing in the host’s name', async (t) => {
    const made = await scene(t, server, 'own-name')
    const own = made.parts.salvager
    const [client, name] = [made.client(t, salvager), newBundle('web-1', Date.now())]
    const row = `v1/index/dt=${bundleDay(name.bundle)}/web-1/${name.bundle}`
    const put = (key: string) =>
      status(
        client.send(new PutObjectCommand({ Bucket: made.bucket, Key: `prod/${key}`, Body: 'x', IfNoneMatch: '*' })),
      )
    const said = ['opening.json', 'plan.json', 'manifest.json'].map((document) => bundlePrefix(name) + document)
    await made.allow([{ user: salvager, policy: own }])
    for (const key of [...said, openKey(name, 90), `${row}.complete.healthy.json`, `${row}.partial.crash.json`])
      t.equal(await put(key), 403, key)
    const told = `${bundlePrefix(name)}salvage.json`
    t.equal(await put(told), 200)
    t.equal(await status(client.send(new DeleteObjectCommand({ Bucket: made.bucket, Key: `prod/${told}` }))), 403)
    for (const key of said) {
      const [document = ''] = key.split('/').slice(-1)
      const [less] = lessOne(own, 'Deny').filter(({ without }) => without.endsWith(`/${document}`))
      await made.allow([{ user: salvager, policy: less?.policy ?? own }])
      t.equal(await put(key), 200, `without ${less?.without}`)
    }
  })

  /** What salvage does, step by step, to an upload that a host has left behind. Says which steps were refused. */
  async function salvage(t: Test, made: Scene): Promise<string[]> {
    const name = newBundle('web-1', Date.now())
    const core = `${bundlePrefix(name)}core`
    await made.as(host, async () => {
      const store = await made.store(t)
      await store.put(`${bundlePrefix(name)}opening.json`, Buffer.from('{}'), signal)
      await store.put(openKey(name, 90), Buffer.alloc(0), signal)
      const begun = await store.begin(core, signal)
      await begun.part(1, randomBytes(PART_BYTES), signal)
    })
    const client = made.client(t, salvager)
    return await refusedSteps(client, made.bucket, name)
  }
}

/** What reading is made of: the index of a day, a bundle's keys, its manifest; and the row, which queries of a fleet read. */
async function refusedReads(archive: Archive, name: ReturnType<typeof newBundle>): Promise<string[]> {
  const reads: readonly (() => Promise<unknown>)[] = [
    () => catalogue(archive, { since: 0, until: Date.now() }, Date.now(), signal),
    () => Array.fromAsync(archive.list(bundlePrefix(name), signal)),
    () => archive.read(`${bundlePrefix(name)}manifest.json`, 0, signal),
    async () => {
      const marks = await Array.fromAsync(archive.list(`${INDEX_PREFIX}dt=${bundleDay(name.bundle)}/`, signal))
      const row = marks.find(({ key }) => key.includes(name.bundle) && key.endsWith('.json'))
      return await archive.read(row?.key ?? '', 0, signal)
    },
  ]
  const results = await Promise.allSettled(reads.map((read) => read()))
  return results.flatMap((result) => (result.status === 'rejected' ? [result.reason.message] : []))
}

async function refusedSteps(client: S3Client, Bucket: string, name: ReturnType<typeof newBundle>): Promise<string[]> {
  const refused: string[] = []
  const step = async <T>(what: string, answer: Promise<T>): Promise<T | undefined> => {
    try {
      return await answer
    } catch (error) {
      const { $metadata } = error as { $metadata?: { httpStatusCode?: number } }
      refused.push(`${what}: ${$metadata?.httpStatusCode}`)
      return undefined
    }
  }
  const prefix = `prod/${bundlePrefix(name)}`
  const object = { Bucket, Key: `${prefix}core` }
  await step('find the mark', client.send(new ListObjectsV2Command({ Bucket, Prefix: `prod/v1/index/dt=` })))
  await step('list the bundle', client.send(new ListObjectsV2Command({ Bucket, Prefix: prefix })))
  await step('read the opening', client.send(new GetObjectCommand({ Bucket, Key: `${prefix}opening.json` })))
  await step('read the mark', client.send(new GetObjectCommand({ Bucket, Key: `prod/${openKey(name, 90)}` })))
  const found = await step('find uploads', client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: prefix })))
  const UploadId = found?.Uploads?.[0]?.UploadId
  if (UploadId === undefined) return refused
  const parts = await step('see its parts', client.send(new ListPartsCommand({ ...object, UploadId })))
  if (parts === undefined) return refused
  const filler = { ...object, UploadId, PartNumber: 2, Body: 'filler' }
  const filled = await step('fill', client.send(new UploadPartCommand(filler)))
  const Parts = [
    { PartNumber: 1, ETag: parts.Parts?.[0]?.ETag },
    { PartNumber: 2, ETag: filled?.ETag },
  ]
  const whole = { ...object, UploadId, IfNoneMatch: '*', MultipartUpload: { Parts } }
  if (filled !== undefined) await step('complete', client.send(new CompleteMultipartUploadCommand(whole)))
  const put = (Key: string) => client.send(new PutObjectCommand({ Bucket, Key, Body: '{}', IfNoneMatch: '*' }))
  await step('tell', put(`${prefix}salvage.json`))
  const row = `prod/${openKey(name, 90).replace(/\.90\.open$/, '')}`
  await step('tell in the index', put(`${row}.salvaged.unknown.json`))
  return refused
}
