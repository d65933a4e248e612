import { GetObjectCommand, ListMultipartUploadsCommand, ListPartsCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { bundlePrefix, newBundle, openKey, rowKey } from '../../agent/bundle/keys.ts'
import type { Policy } from '../../agent/policy/statement.ts'
import { openStore } from '../../agent/store/open.ts'
import { failing } from '../contract/failing.ts'
import { startS3Server } from '../s3-server.ts'
import { askedBy } from './asked.ts'
import { allThatHostsDo } from './capturing.ts'
import { evaluate } from './evaluate.ts'
import { lessOne } from './less-one.ts'
import type { Recorded } from './recording-proxy.ts'
import { type Scene, scene } from './scene.ts'
import { onBucket, onObject, onUpload, status } from './trespasses.ts'

const signal = AbortSignal.timeout(170_000)
t.setTimeout(180_000)
const server = await startS3Server()
if (typeof server === 'string') {
  t.test('what the printed policy lets a host do, on Ceph', { skip: server }, async () => {})
} else {
  t.teardown(() => server[Symbol.asyncDispose]())
  const [one, two] = [await server.makeUser('web-1'), await server.makeUser('web-2')]

  /** Two hosts with credentials of their own, each under the policy for its name. */
  async function twoHosts(t: Parameters<typeof scene>[0], bucket: string): Promise<Scene> {
    const made = await scene(t, server as Exclude<typeof server, string>, bucket)
    const policy = (host: string) => made.partsWith({ host }).host
    await made.allow([
      { user: one, policy: policy('web-1') },
      { user: two, policy: policy('web-2') },
    ])
    return made
  }

  t.test('it is enough: check and a capture of small objects and of one in parts', async (t) => {
    const made = await twoHosts(t, 'enough')
    const { recorded } = await made.proxy.while(() =>
      made.as(one, async () => {
        t.strictSame(await allThatHostsDo(t, await made.store(t), 'web-1'), [])
      }),
    )
    // The only request that is refused is the one without a signature, which tries the way there.
    t.strictSame(recorded.filter(({ status }) => status >= 400).map(line), ['HEAD /enough/ 403'])
    const verbs = new Set(recorded.slice(1).map(({ method }) => method))
    t.strictSame([...verbs].sort(), ['POST', 'PUT'], 'a host asks for nothing but to put')
    t.ok(recorded.some(({ url }) => /partNumber=3/.test(url)))
    agree(t, made, one.name, recorded)
  })

  t.test('all of it is needed', async (t) => {
    const made = await scene(t, server, 'needed')
    const { host } = made.partsWith({ host: 'web-1' })
    const lacking = lessOne(host, 'Allow')
    t.ok(lacking.length >= 2)
    for (const { without, policy } of lacking) {
      await made.allow([{ user: one, policy }])
      const failures = await made.as(one, async () => await allThatHostsDo(t, await made.store(t), 'web-1'))
      t.match(failures.join('; '), /may not s3:PutObject/, `without ${without}`)
      if (without.endsWith('s3:PutObject')) t.match(failures[0], /; lastgasp policy --for host prints/, 'check says so')
    }
  })

  t.test('a stolen key only adds, and only under its own name', async (t) => {
    const made = await twoHosts(t, 'stolen')
    const [mine, theirs] = [newBundle('web-1', Date.now()), newBundle('web-2', Date.now())]
    const content = Buffer.from('evidence')
    await made.as(two, async () => {
      const store = await made.store(t)
      await store.put(`${bundlePrefix(theirs)}facts`, content, signal)
    })
    const uploads = await made.as(one, async () => {
      const store = await made.store(t)
      await store.put(`${bundlePrefix(mine)}facts`, content, signal)
      const begun = await store.begin(`${bundlePrefix(mine)}core`, signal)
      await begun.part(1, content, signal)
      await t.rejects(store.put(`${bundlePrefix(mine)}facts`, content, signal), failing('exists'), 'its own again')
      const foreign = [
        `${bundlePrefix(theirs)}more`,
        openKey(theirs, 90),
        rowKey(theirs, 'complete', 'crash'),
        'v1/index/dt=2026-11-30/web-2/web-1/x.open',
        'v1/hosts/web-10/x',
        'aside',
      ]
      for (const key of foreign) {
        await t.rejects(store.put(key, content, signal), failing('denied'), `put ${key}`)
        await t.rejects(store.begin(key, signal), failing('denied'), `begin ${key}`)
      }
      return await made.owner.send(new ListMultipartUploadsCommand({ Bucket: made.bucket }))
    })
    const UploadId = uploads.Uploads?.[0]?.UploadId
    t.ok(UploadId)

    const client = made.client(t, one)
    const { bucket: Bucket } = made
    const trespasses = [
      ...[mine, theirs].flatMap((name) => onObject(client, { Bucket, Key: `prod/${bundlePrefix(name)}facts` })),
      ...onUpload(client, { Bucket, Key: `prod/${bundlePrefix(mine)}core`, UploadId }),
      ...onBucket(client, Bucket, `prod/${bundlePrefix(mine)}`),
    ]
    const { recorded } = await made.proxy.while(async () => {
      for (const [what, attempt] of trespasses) t.equal(await attempt(), 403, what)
    })
    t.equal(recorded.length, trespasses.length)
    agree(t, made, one.name, recorded)
  })

  t.test('what is there is guarded by a deny, for who made it would have rights to it', async (t) => {
    const made = await scene(t, server, 'silence')
    const { host } = made.partsWith({ host: 'web-1' })
    const silent: Policy = { ...host, Statement: host.Statement.filter(({ Effect }) => Effect === 'Allow') }
    await made.allow([{ user: one, policy: silent }])
    const key = `${bundlePrefix(newBundle('web-1', Date.now()))}facts`
    await made.as(one, async () => {
      const store = await made.store(t)
      await store.put(key, Buffer.from('evidence'), signal)
      const begun = await store.begin(`${key}-more`, signal)
      await begun.part(1, Buffer.from('evidence'), signal)
    })
    const client = made.client(t, one)
    const { Uploads = [] } = await made.owner.send(new ListMultipartUploadsCommand({ Bucket: made.bucket }))
    const read = () => status(client.send(new GetObjectCommand({ Bucket: made.bucket, Key: `prod/${key}` })))
    const upload = { Bucket: made.bucket, Key: `prod/${key}-more`, UploadId: Uploads[0]?.UploadId }
    const parts = () => status(client.send(new ListPartsCommand(upload)))
    t.strictSame([await read(), await parts()], [200, 200])
    await made.allow([{ user: one, policy: host }])
    t.strictSame([await read(), await parts()], [403, 403])
  })

  t.test('who comes without TLS is refused', async (t) => {
    const made = await scene(t, server, 'open-line')
    const { bucket, host } = made.partsWith({ host: 'web-1' })
    const { endpoint, settings } = server
    const put = () =>
      made.as(one, async () => {
        await using store = await openStore(made.url, { ...settings, endpoint }, signal)
        return await store.put('v1/hosts/web-1/x', Buffer.from('x'), signal)
      })
    await made.allow([{ user: one, policy: host }])
    await t.rejects(put(), failing('denied'))
    const Statement = bucket.Statement.filter(({ Sid }) => Sid !== 'TlsOnly')
    await made.allow([{ user: one, policy: host }], { ...bucket, Statement })
    t.match(await put(), { bytes: 1 })
  })

  /**
   * The evaluator of these tests and Ceph's decide alike, request by request: so it can be believed where Ceph does not know
   * a condition. `CreateOnly` is such a one, and left out.
   */
  function agree(t: Parameters<typeof scene>[0], made: Scene, host: string, recorded: readonly Recorded[]): void {
    const { bucket, host: own } = made.partsWith({ host })
    const known: Policy = { ...bucket, Statement: bucket.Statement.filter(({ Sid }) => Sid !== 'CreateOnly') }
    for (const request of recorded.filter(({ headers }) => headers.authorization !== undefined)) {
      const decision = evaluate([known, own], askedBy(request))
      t.equal(request.status !== 403, decision === 'allowed', `${line(request)}: ${decision}`)
    }
  }
}

function line({ method, url, status }: Recorded): string {
  return `${method} ${url} ${status}`
}
