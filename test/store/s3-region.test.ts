import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { CAPTURE_PATIENCE } from '../../agent/store/s3/client.ts'
import { s3Store } from '../../agent/store/s3/store.ts'
import { failing } from '../contract/failing.ts'

const BUCKET = { scheme: 's3', bucket: 'somewhere', prefix: '' } as const
const SETTINGS = {
  region: undefined,
  endpoint: undefined,
  addressing: 'path',
  owner: undefined,
  checksums: 'supported',
} as const
const soon = () => AbortSignal.timeout(30_000)

/** How the two services answer, and what they were asked. No `region`: no word of it; `silent`: no answer at all. */
interface World {
  instance: string | undefined
  bucket: { readonly status: number; readonly region?: string } | 'silent'
  readonly asked: string[]
}

/** A metadata service and an S3 server, which the variables of the SDK name, and no region anywhere. */
async function world(test: Test, start: Omit<World, 'asked'>): Promise<World> {
  const now: World = { ...start, asked: [] }
  const server = createServer((request, response) => void answer(now, request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const variables: Record<string, string | undefined> = {
    ...{ AWS_EC2_METADATA_SERVICE_ENDPOINT: url, AWS_ENDPOINT_URL_S3: url, AWS_EC2_METADATA_DISABLED: undefined },
    ...{ AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'not-a-secret', AWS_REGION: undefined },
    ...{ AWS_DEFAULT_REGION: undefined, AWS_CONFIG_FILE: '/nowhere', AWS_SHARED_CREDENTIALS_FILE: '/nowhere' },
  }
  const before = { ...process.env }
  for (const [name, value] of Object.entries(variables))
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  test.teardown(() => {
    for (const name of Object.keys(variables))
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    server.closeAllConnections()
    server.close()
  })
  return now
}

async function answer(now: World, request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.resume()
  await once(request, 'end')
  const { method, url = '', headers } = request
  if (url.startsWith('/latest/')) {
    now.asked.push(`instance ${method}`)
    if (now.instance === undefined) response.writeHead(404).end()
    else if (method === 'PUT') response.end('token')
    else if (headers['x-aws-ec2-metadata-token'] === 'token') response.end(`${now.instance}\n`)
    else response.writeHead(401).end()
  } else if (method === 'HEAD') {
    now.asked.push(`bucket${headers.authorization === undefined ? '' : ', signed'}`)
    if (now.bucket === 'silent') return void request.socket.destroy()
    const told = now.bucket.region === undefined ? {} : { 'x-amz-bucket-region': now.bucket.region }
    response.writeHead(now.bucket.status, told).end()
  } else {
    const scope = /Credential=[^/]+\/\d+\/([^/]+)\/s3/.exec(String(headers.authorization))?.[1]
    now.asked.push(`${method} in ${scope}`)
    response.writeHead(200, { etag: '"1"' }).end()
  }
}

const store = () => s3Store(BUCKET, SETTINGS, { ...CAPTURE_PATIENCE, tries: 1 })

t.test("a bucket's own word goes first, whether it redirects or denies; it is asked once", async (t) => {
  for (const status of [200, 301, 403]) {
    const now = await world(t, { instance: 'ap-south-1', bucket: { status, region: 'eu-central-1' } })
    await using one = await store()
    t.strictSame(now.asked, [], 'opening it asks nobody')
    await Promise.all([one.put('a', Buffer.from('a'), soon()), one.put('b', Buffer.from('b'), soon())])
    await one.put('c', Buffer.from('c'), soon())
    const puts = Array(3).fill('PUT in eu-central-1')
    t.strictSame(now.asked, ['instance PUT', 'instance GET', 'bucket', ...puts])
  }
})

t.test('a bucket that says nothing of it is looked for where this instance is', async (t) => {
  const now = await world(t, { instance: 'ap-south-1', bucket: { status: 404 } })
  await using one = await store()
  await one.put('a', Buffer.from('a'), soon())
  t.equal(now.asked.at(-1), 'PUT in ap-south-1')
})

t.test('without a metadata service, or with one that is something else, the bucket is asked', async (t) => {
  for (const instance of ['<html>Not here</html>', undefined]) {
    const now = await world(t, { instance, bucket: { status: 301, region: 'eu-west-1' } })
    await using one = await store()
    await one.put('a', Buffer.from('a'), soon())
    t.equal(now.asked.at(-1), 'PUT in eu-west-1', String(instance))
  }
  const now = await world(t, { instance: 'ap-south-1', bucket: { status: 403, region: 'eu-west-1' } })
  process.env.AWS_EC2_METADATA_DISABLED = 'true'
  await using one = await store()
  await one.put('a', Buffer.from('a'), soon())
  t.strictSame(now.asked, ['bucket', 'PUT in eu-west-1'])
})

t.test('what could not be found out is asked again, and its failure is one that may pass', async (t) => {
  const now = await world(t, { instance: undefined, bucket: 'silent' })
  await using one = await store()
  await t.rejects(one.put('a', Buffer.from('a'), soon()), failing('transient', /s3:\/\/somewhere\/a/))
  now.bucket = { status: 301, region: 'eu-west-1' }
  await one.put('a', Buffer.from('a'), soon())
  t.equal(now.asked.at(-1), 'PUT in eu-west-1')
})

t.test('a region that is set is not asked for; one of the environment is', async (t) => {
  const now = await world(t, { instance: 'ap-south-1', bucket: { status: 301, region: 'eu-central-1' } })
  await using set = await s3Store(BUCKET, { ...SETTINGS, region: 'us-west-2' }, CAPTURE_PATIENCE)
  await set.put('a', Buffer.from('a'), soon())
  t.strictSame(now.asked, ['PUT in us-west-2'])
  process.env.AWS_REGION = 'us-west-1'
  await using variable = await store()
  await variable.put('a', Buffer.from('a'), soon())
  t.strictSame(now.asked.slice(1), ['bucket', 'PUT in eu-central-1'], 'where this host is says little of the bucket')
})
