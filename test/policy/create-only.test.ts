import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import type { Policy } from '../../agent/policy/statement.ts'
import { startS3Server } from '../s3-server.ts'
import { askedBy } from './asked.ts'
import { allThatHostsDo } from './capturing.ts'
import { type Decision, evaluate } from './evaluate.ts'
import type { Recorded } from './recording-proxy.ts'
import { scene } from './scene.ts'

/**
 * Ceph's gateway (16.2) does not know s3:if-none-match and s3:ObjectCreationOperation. So what demands conditional writes is
 * evaluated here, on requests as the store and the SDK really send them. No server has judged it: see POLICY.md.
 */
t.setTimeout(180_000)
const server = await startS3Server()
if (typeof server === 'string') {
  t.test('evaluated, not proven on a server: only conditional writes create', { skip: server }, async () => {})
} else {
  t.teardown(() => server[Symbol.asyncDispose]())
  const one = await server.makeUser('web-1')

  t.test('evaluated, not proven on a server: only conditional writes create', async (t) => {
    const made = await scene(t, server, 'conditional')
    const { bucket, host } = made.partsWith({ host: 'web-1' })
    await made.allow([{ user: one, policy: host }])
    const decide = (request: Recorded, own: Policy = bucket): Decision => evaluate([own, host], askedBy(request))

    const { recorded } = await made.proxy.while(() =>
      made.as(one, async () => t.strictSame(await allThatHostsDo(t, await made.store(t), 'web-1'), [])),
    )
    const sent = recorded.filter(({ headers }) => headers.authorization !== undefined)
    const creating = sent.filter((request) => askedBy(request).context['s3:ObjectCreationOperation'] === 'true')
    const others = sent.filter((request) => !creating.includes(request))

    await t.test('all that a host does is allowed', async (t) => {
      for (const request of sent) t.equal(decide(request), 'allowed', line(request))
      t.ok(creating.some(({ method }) => method === 'PUT') && creating.some(({ method }) => method === 'POST'))
      t.ok(others.some(({ method }) => method === 'PUT') && others.some(({ method }) => method === 'POST'))
    })

    await t.test('the same without the header is denied, so nothing is replaced', async (t) => {
      for (const request of creating) t.equal(decide(unconditional(request)), 'denied', line(request))
    })

    await t.test('without the exemption for parts no upload could be', async (t) => {
      const strict = changed(bucket, ({ Condition, ...rest }) => ({
        ...rest,
        Condition: { Null: Condition?.Null ?? {} },
      }))
      for (const request of others) t.equal(decide(request, strict), 'denied', line(request))
    })

    await t.test('without the statement everything could be replaced', async (t) => {
      const loose = { ...bucket, Statement: bucket.Statement.filter(({ Sid }) => Sid !== 'CreateOnly') }
      for (const request of creating) t.equal(decide(unconditional(request), loose), 'allowed', line(request))
    })

    await t.test('ways around it', async (t) => {
      const client = made.client(t, one)
      const object = { Bucket: made.bucket, Key: 'prod/v1/hosts/web-1/x' }
      const whole = { ...object, MultipartUpload: { Parts: [{ PartNumber: 1, ETag: '"x"' }] }, UploadId: 'invented' }
      const ways: Readonly<Record<string, readonly [Decision, () => Promise<unknown>]>> = {
        'put without a header': ['denied', () => client.send(new PutObjectCommand({ ...object, Body: 'x' }))],
        'put over a known version': ['denied', () => client.send(new PutObjectCommand({ ...object, IfMatch: '"x"' }))],
        'copy over it': [
          'denied',
          () => client.send(new CopyObjectCommand({ ...object, CopySource: 'conditional/y' })),
        ],
        'complete without a header': ['denied', () => client.send(new CompleteMultipartUploadCommand(whole))],
        'begin an upload': ['allowed', () => client.send(new CreateMultipartUploadCommand(object))],
        'send a part': [
          'allowed',
          () => client.send(new UploadPartCommand({ ...object, UploadId: 'invented', PartNumber: 1, Body: 'x' })),
        ],
      }
      for (const [way, [decision, send]] of Object.entries(ways)) {
        const { recorded } = await made.proxy.while(() => send().catch(() => {}))
        t.strictSame(
          recorded.map((request) => decide(request)),
          [decision],
          way,
        )
      }
    })
  })
}

function changed(
  policy: Policy,
  change: (statement: Policy['Statement'][number]) => Policy['Statement'][number],
): Policy {
  return { ...policy, Statement: policy.Statement.map((one) => (one.Sid === 'CreateOnly' ? change(one) : one)) }
}

function unconditional(request: Recorded): Recorded {
  const { 'if-none-match': _, ...headers } = request.headers
  return { ...request, headers }
}

function line({ method, url }: Recorded): string {
  return `${method} ${url}`
}
