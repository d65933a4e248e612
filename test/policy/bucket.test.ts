import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetBucketLifecycleConfigurationCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutObjectLockConfigurationCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { bundlePrefix, newBundle } from '../../agent/bundle/keys.ts'
import { parseKmsKey } from '../../agent/policy/key.ts'
import type { Policy } from '../../agent/policy/statement.ts'
import { startS3Server } from '../s3-server.ts'
import { askedBy } from './asked.ts'
import { allThatHostsDo } from './capturing.ts'
import { evaluate } from './evaluate.ts'
import { type Scene, scene } from './scene.ts'
import { status } from './trespasses.ts'

const KEY = parseKmsKey('arn:aws:kms:us-east-1:123456789012:key/00000000-invented')
const DAY = 86_400_000

t.setTimeout(180_000)
const server = await startS3Server()
if (typeof server === 'string') {
  t.test('what a bucket does by itself, on Ceph', { skip: server }, async () => {})
} else {
  t.teardown(() => server[Symbol.asyncDispose]())
  const one = await server.makeUser('web-1')

  t.test('with Object Lock hosts need no more rights, and what they wrote stays', async (t) => {
    await server.client.send(new CreateBucketCommand({ Bucket: 'locked', ObjectLockEnabledForBucket: true }))
    const retention = { keep: 90, unfinished: 14, lock: { days: 30, mode: 'COMPLIANCE' as const } }
    const made = await scene(t, server, 'locked', { retention, host: 'web-1' })
    const { lock, lifecycle, host } = made.parts
    const ObjectLockConfiguration = plain(lock)
    await made.owner.send(new PutObjectLockConfigurationCommand({ Bucket: 'locked', ObjectLockConfiguration }))
    await lifecycleTaken(made, lifecycle)
    // The owner of the bucket may do everything: it is the lock that says no.
    const owner = { name: 'test', arn: 'arn:aws:iam:::user/test', accessKeyId: '', secretAccessKey: '' }
    const Resource = ['arn:aws:s3:::locked', 'arn:aws:s3:::locked/*']
    const all: Policy = {
      ...host,
      Statement: [{ Sid: 'All', Effect: 'Allow', Action: ['s3:*'], Resource }],
    }
    await made.allow([
      { user: one, policy: host },
      { user: owner, policy: all },
    ])
    await made.as(one, async () => t.strictSame(await allThatHostsDo(t, await made.store(t), 'web-1'), []))

    const { Versions = [] } = await made.owner.send(new ListObjectVersionsCommand({ Bucket: 'locked' }))
    t.ok(Versions.length >= 7)
    for (const { Key, VersionId } of Versions) {
      const object = { Bucket: 'locked', Key, VersionId }
      const { ObjectLockMode, ObjectLockRetainUntilDate: until } = await made.owner.send(new HeadObjectCommand(object))
      t.equal(ObjectLockMode, 'COMPLIANCE')
      t.ok(Math.abs(Number(until) - Date.now() - 30 * DAY) < DAY, `${Key} until ${until?.toISOString()}`)
      t.equal(
        await status(made.owner.send(new DeleteObjectCommand(object))),
        403,
        'the owner of the bucket cannot either',
      )
    }
  })

  t.test('the lifecycle is taken as it is printed', async (t) => {
    const made = await scene(t, server, 'ageing')
    await lifecycleTaken(made, made.parts.lifecycle)
    await lifecycleTaken(made, made.partsWith({ retention: { keep: 90, unfinished: 7, lock: undefined } }).lifecycle)
  })

  t.test('with a key, nobody chooses another one', async (t) => {
    const made = await scene(t, server, 'keyed', { key: KEY, host: 'web-1' })
    const { host, bucket } = made.parts
    // The server has no KMS: what the role may do there goes unjudged.
    const policy = { ...host, Statement: host.Statement.filter(({ Sid }) => Sid !== 'BucketsKey') }
    await made.allow([{ user: one, policy }])
    await made.as(one, async () => t.strictSame(await allThatHostsDo(t, await made.store(t), 'web-1'), []))
    const without = (sid: string): Policy => ({
      ...bucket,
      Statement: bucket.Statement.filter(({ Sid }) => Sid !== sid),
    })
    const put = async (more: Partial<PutObjectCommandInput>, now = bucket) => {
      await made.allow([{ user: one, policy }], now)
      const Key = `prod/${bundlePrefix(newBundle('web-1', Date.now()))}x`
      const input = { Bucket: 'keyed', Key, Body: 'x', IfNoneMatch: '*', ...more }
      const { result, recorded } = await made.proxy.while(() =>
        status(made.client(t, one).send(new PutObjectCommand(input))),
      )
      const asked = recorded.map((request) => askedBy(request)).find(({ action }) => action === 's3:PutObject')
      return { refused: result === 403, decision: asked && evaluate([now, policy], asked) }
    }
    const kms = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'another' } as const
    t.strictSame(await put({}), { refused: false, decision: 'allowed' })
    t.strictSame(await put(kms), { refused: true, decision: 'denied' })
    t.strictSame(await put(kms, without('NoOtherKey')), { refused: false, decision: 'allowed' })

    await t.test('evaluated, not proven on a server: nor none, nor one of its own', async (t) => {
      const own = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: 'k'.repeat(32) }
      t.match(await put({ ServerSideEncryption: 'AES256' }), { decision: 'denied' })
      t.match(await put({ ServerSideEncryption: 'AES256' }, without('NoOtherKey')), { decision: 'allowed' })
      t.match(await put(own), { decision: 'denied' })
      t.match(await put(own, without('NoKeyInRequest')), { decision: 'allowed' })
    })
  })

  async function lifecycleTaken(made: Scene, lifecycle: Scene['parts']['lifecycle']): Promise<void> {
    const [Bucket, LifecycleConfiguration] = [made.bucket, plain(lifecycle)]
    await made.owner.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration }))
    const { Rules = [] } = await made.owner.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))
    const byName = <T extends { ID?: string | undefined }>(rules: readonly T[]) =>
      rules.toSorted((a, b) => ((a.ID ?? '') < (b.ID ?? '') ? -1 : 1))
    t.match(byName(Rules), byName(lifecycle.Rules), 'read back, it says the same')
  }
}

/** A document as it is read from a file: JSON, and nobody has promised not to change it. */
function plain<T>(document: T): Mutable<T> {
  return JSON.parse(JSON.stringify(document))
}

type Mutable<T> = T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T
