import { join } from 'node:path'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  DeleteObjectCommand,
  GetBucketLifecycleConfigurationCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t, { type Test } from 'tap'
import { bundleDay, bundlePrefix, HOSTS_PREFIX, INDEX_PREFIX, newBundle, openKey } from '../../agent/bundle/keys.ts'
import { catalogue } from '../../agent/operator/catalogue/catalogue.ts'
import { look } from '../../agent/operator/salvage/plan.ts'
import { salvageBundle } from '../../agent/operator/salvage/salvage-bundle.ts'
import { asProcess } from '../commands/lastgasp.ts'
import { core, cutBundle } from '../operator/salvage/cut-bundle.ts'
import { type S3User, startS3Server } from '../s3-server.ts'
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
    const cut = await leave(t, made)
    const { region = '' } = server.settings
    const store = ['--store', made.url, '--set', `s3.endpoint=${made.proxy.endpoint}`, '--set', 's3.addressing=path']
    const env = { AWS_ACCESS_KEY_ID: operator.accessKeyId, AWS_SECRET_ACCESS_KEY: operator.secretAccessKey }
    const run = (...args: string[]) => asProcess([...args, ...store, '--set', `s3.region=${region}`], env)

    const { recorded } = await made.proxy.while(async () => {
      t.match(await run('show', cut.bundle), { code: 4, stdout: /interrupted|open/ })
      t.match(await run('list'), { code: 0, stdout: name.bundle.slice(0, 15) })
      t.match(await run('show', name.bundle), { code: 0, stdout: /cores\/large/ })
      t.match(await run('fetch', name.bundle, '--to', join(t.testdir(), 'to')), { code: 0 })
      t.match(await run('verify', name.bundle), { code: 0 })
    })
    t.ok(recorded.length > 10)
    t.strictSame(await made.as(operator, async () => refusedReads(t, made, name, operator)), [])
    for (const request of recorded) {
      // Of a bucket without a lifecycle: there is none.
      if (!request.url.endsWith('?lifecycle=')) t.ok(request.status < 400, `${request.method} ${request.url}`)
      t.equal(evaluate([made.parts.bucket, own], askedBy(request)), 'allowed')
    }

    const gone = { key: `${bundlePrefix(cut)}live/gone.core.zst`, id: '2~gone' }
    t.same(
      await made.as(operator, async () => (await made.uploads(t)).parts(gone, signal)),
      [],
      'not refused, but gone',
    )
    for (const { without, policy } of lessOne(own, 'Allow')) {
      await made.allow([asHost(made), { user: operator, policy }])
      const refused = await made.as(operator, async () => await refusedReads(t, made, name, operator))
      t.match(refused.join('; '), /may not s3:(List|Get)/, `without ${without}`)
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
    const name = await leave(t, made)
    const [upload] = (await client.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads ?? []
    const part = { Bucket, Key: upload?.Key, UploadId: upload?.UploadId }
    t.match(upload?.Key, name.bundle, 'it sees what was left')
    t.equal(await status(client.send(new UploadPartCommand({ ...part, PartNumber: 2, Body: 'x' }))), 403)
    t.equal(await status(client.send(new AbortMultipartUploadCommand(part))), 403)
    const { Parts } = await client.send(new ListPartsCommand(part))
    const MultipartUpload = { Parts: Parts?.map(({ PartNumber, ETag }) => ({ PartNumber, ETag })) }
    t.equal(await status(client.send(new CompleteMultipartUploadCommand({ ...part, MultipartUpload }))), 403)
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

  /** Leaves a bundle as a host does that died while it sent, a part in its middle never having arrived. */
  async function leave(t: Test, made: Scene): Promise<ReturnType<typeof newBundle>> {
    const name = newBundle('web-1', Date.now())
    const cut = [{ piece: core('live/app.7.core.zst', 5), arrived: [1, 3] }]
    await made.as(host, async () => await cutBundle({ store: await made.store(t), name, cut }))
    return name
  }

  /** Salvages what a host has left behind, an hour later. Says what was refused. */
  async function salvage(t: Test, made: Scene): Promise<string[]> {
    const name = await leave(t, made)
    return await made.as(salvager, async () => {
      const uploads = { ...(await made.uploads(t)), now: async () => Date.now() + 3_600_000 }
      const place = { archive: await made.archive(t), uploads }
      try {
        const found = await look(place, name, signal)
        if (found.is !== 'due') return [found.is]
        const { outcomes } = await salvageBundle(place, found.plan, '0', signal)
        const failed = outcomes.flatMap(({ reason }) => reason ?? [])
        return [...failed, ...(await refusedReads(t, made, name, salvager))]
      } catch (error) {
        return [(error as Error).message]
      }
    })
  }
}

/** What reading is made of: the index of a day, a bundle's keys and documents, its row, what it has in unfinished uploads, and how long that stays. */
async function refusedReads(t: Test, made: Scene, name: ReturnType<typeof newBundle>, user: S3User): Promise<string[]> {
  const [archive, uploads, client] = [await made.archive(t), await made.uploads(t), made.client(t, user)]
  const reads: readonly (() => Promise<unknown>)[] = [
    () => catalogue(archive, { since: 0, until: Date.now() }, Date.now(), signal),
    () => Array.fromAsync(archive.list(bundlePrefix(name), signal)),
    () => archive.read(`${bundlePrefix(name)}opening.json`, 0, signal),
    async () => {
      const marks = await Array.fromAsync(archive.list(`${INDEX_PREFIX}dt=${bundleDay(name.bundle)}/`, signal))
      return await archive.read(marks.find(({ key }) => key.includes(name.bundle))?.key ?? '', 0, signal)
    },
    async () => {
      for await (const upload of uploads.list(HOSTS_PREFIX, signal)) await uploads.parts(upload, signal)
    },
    async () => {
      const seen = client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: made.bucket }))
      if ((await status(seen)) === 403) throw new Error('may not s3:GetLifecycleConfiguration')
    },
  ]
  const results = await Promise.allSettled(reads.map((read) => read()))
  return results.flatMap((result) => (result.status === 'rejected' ? [result.reason.message] : []))
}
