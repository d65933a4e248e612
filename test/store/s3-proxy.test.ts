import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openStore } from '../../agent/store/open.ts'
import { failing } from '../contract/failing.ts'
import { type Answer, answering, STORED } from './answering.ts'

const body = Buffer.from('x')
const long = () => AbortSignal.timeout(60_000)
/** Time for an answer, on a machine that does much else. */
const soon = () => AbortSignal.timeout(3_000)
const KEYS = { AWS_ACCESS_KEY_ID: 'INVENTED', AWS_SECRET_ACCESS_KEY: 'invented' }

/** Sets what names ways to a store, for one test. */
function ways(variables: Readonly<Record<string, string>>): void {
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'NODE_EXTRA_CA_CERTS', 'AWS_ENDPOINT_URL_STS']) {
    delete process.env[name]
    delete process.env[name.toLowerCase()]
  }
  Object.assign(process.env, KEYS, variables)
}

/** Stores one object at an endpoint, or fails to. */
async function put(endpoint: string, signal: AbortSignal) {
  const settings = { region: 'x', endpoint, addressing: 'path', owner: undefined, checksums: 'supported' } as const
  await using store = await openStore('s3://bucket', settings, signal)
  return await store.put('x', body, signal)
}

t.test('a store that only a proxy reaches', async (t) => {
  const proxy = await answering(t, () => STORED)
  for (const name of ['http_proxy', 'HTTP_PROXY']) {
    ways({ [name]: proxy.endpoint })
    t.match(await put('http://store.invalid:9000', long()), { bytes: 1 })
  }
  t.match(proxy.seen, [/^PUT http:\/\/store\.invalid:9000\/bucket\/x/, /^PUT http:\/\/store\.invalid:9000\//])
})

t.test('a store that NO_PROXY names is reached without', async (t) => {
  const store = await answering(t, () => STORED)
  ways({ HTTP_PROXY: 'http://127.0.0.1:1', NO_PROXY: '127.0.0.1' })
  t.match(await put(store.endpoint, long()), { bytes: 1 })
})

t.test('a way that leads nowhere is told with the proxy on it, and without its password', async (t) => {
  ways({ HTTP_PROXY: 'http://me:secret@127.0.0.1:1' })
  const message =
    /refused the connection.*; the way there is by the proxy 127\.0\.0\.1:1 \(HTTP_PROXY\), unless NO_PROXY names/
  await t.rejects(put('http://store.invalid', soon()), failing('transient', message))
  ways({ HTTP_PROXY: 'socks5://127.0.0.1:1' })
  await t.rejects(put('http://127.0.0.1:1', soon()), failing('transient', /HTTP_PROXY is not an http:\/\/ .*ignored/))
})

/** A proxy that makes tunnels (CONNECT) to `port` here, whatever name is asked for; or refuses with `status`. */
async function tunnels(t: Test, port: number, status?: number) {
  const asked: string[] = []
  const proxy = createServer()
  proxy.on('connect', (request, client) => {
    asked.push(request.url ?? '')
    if (status !== undefined) return client.end(`HTTP/1.1 ${status} no\r\n\r\n`)
    const server = connect(port, '127.0.0.1', () => client.write('HTTP/1.1 200 yes\r\n\r\n'))
    server.on('error', () => client.destroy()).pipe(client)
    client.on('error', () => server.destroy()).pipe(server)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.teardown(() => proxy.close())
  return { asked, endpoint: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` }
}

t.test('a proxy that refuses is told with its status', async (t) => {
  for (const [status, failure, message] of [
    [407, 'permanent', /the proxy 127\.0\.0\.1:\d+ \(HTTPS_PROXY\) wants a name and a password in its URL \(407\)$/],
    [403, 'permanent', /does not let us through to store\.invalid \(403\): set NO_PROXY/],
    [503, 'transient', /does not let us through to store\.invalid \(503\)$/],
  ] as const) {
    ways({ HTTPS_PROXY: (await tunnels(t, 1, status)).endpoint })
    await t.rejects(put('https://store.invalid', soon()), failing(failure, message))
  }
})

t.test('an authority of one`s own, named after the start, is trusted through a tunnel', async (t) => {
  const directory = t.testdir()
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(directory, name)) as [string, string]
  const subject = ['-subj', '/CN=store.invalid', '-addext', 'subjectAltName=DNS:store.invalid']
  const made = spawnSync('openssl', [
    'req',
    '-x509',
    '-nodes',
    '-newkey',
    'rsa:2048',
    '-keyout',
    key,
    '-out',
    cert,
    ...subject,
  ])
  if (made.status !== 0) return void t.pass('tunnel', { skip: 'no openssl program here' })
  const pems = { key: await readFile(key), cert: await readFile(cert) }
  const store = createTlsServer(pems, (request, response) => {
    request.resume().on('end', () => response.writeHead(200, { etag: '"1"' }).end())
  }).listen(0, '127.0.0.1')
  await once(store, 'listening')
  t.teardown(() => store.close())
  const proxy = await tunnels(t, (store.address() as AddressInfo).port)
  ways({ HTTPS_PROXY: proxy.endpoint })
  const help =
    /not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\): .*NODE_EXTRA_CA_CERTS=\/path\.pem in \/etc\/lastgasp\/environment/
  await t.rejects(put('https://store.invalid', long()), failing('permanent', help))
  ways({ HTTPS_PROXY: proxy.endpoint, NODE_EXTRA_CA_CERTS: join(directory, 'missing.pem') })
  const missing = /not trusted .*: cannot use NODE_EXTRA_CA_CERTS=.*missing\.pem: ENOENT/
  await t.rejects(put('https://store.invalid', long()), failing('permanent', missing))
  ways({ HTTPS_PROXY: proxy.endpoint, NODE_EXTRA_CA_CERTS: cert })
  t.match(await put('https://store.invalid', long()), { bytes: 1 })
  t.match(proxy.asked, ['store.invalid:443', 'store.invalid:443', 'store.invalid:443'])
})

t.test('STS is asked by way of the proxy, the metadata service never', async (t) => {
  const keys =
    '<AccessKeyId>ROLE</AccessKeyId><SecretAccessKey>invented</SecretAccessKey><SessionToken>t</SessionToken>'
  const [result, type] = ['AssumeRoleWithWebIdentityResult', { 'content-type': 'text/xml' }]
  const sts: Answer = {
    headers: type,
    body: `<AssumeRoleWithWebIdentityResponse><${result}><Credentials>${keys}</Credentials></${result}></AssumeRoleWithWebIdentityResponse>`,
  }
  const proxy = await answering(t, ({ url }) => (url?.startsWith('http://sts.invalid') ? sts : STORED))
  ways({ HTTP_PROXY: proxy.endpoint, AWS_ENDPOINT_URL_STS: 'http://sts.invalid' })
  for (const name of Object.keys(KEYS)) delete process.env[name]
  const token = join(t.testdir({ token: 'invented' }), 'token')
  const identity = { AWS_WEB_IDENTITY_TOKEN_FILE: token, AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/x' }
  Object.assign(process.env, identity, { AWS_REGION: 'x', AWS_CONFIG_FILE: '/nonexistent' })
  process.env.AWS_SHARED_CREDENTIALS_FILE = '/nonexistent'
  t.match(await put('http://store.invalid', long()), { bytes: 1 })
  t.match(proxy.seen, [/^POST http:\/\/sts\.invalid\//, /^PUT http:\/\/store\.invalid\//])

  for (const name of Object.keys(identity)) delete process.env[name]
  const metadata = await answering(t, () => ({ status: 404 }))
  process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT = metadata.endpoint
  await t.rejects(put('http://store.invalid', long()), failing('denied', /no role for this instance/))
  t.ok(metadata.seen.length > 0)
  t.equal(proxy.seen.length, 2)
})
