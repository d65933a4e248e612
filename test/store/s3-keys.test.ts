import { rename, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openArchive, openStore } from '../../agent/store/open.ts'
import type { S3Settings } from '../../agent/store/s3/client.ts'
import type { Store } from '../../agent/store/store.ts'
import { failing } from '../contract/failing.ts'
import { type Answer, type Answering, answering, STORED, s3Error } from './answering.ts'

const body = Buffer.from('x')
const long = () => AbortSignal.timeout(60_000)
/** Time for an answer, on a machine that does much else. */
const soon = () => AbortSignal.timeout(3_000)

/** What may name credentials; nothing of this machine's own may let a test pass. */
const VARIABLES = [
  ...['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE', 'AWS_REGION'],
  ...['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE', 'AWS_WEB_IDENTITY_TOKEN_FILE', 'AWS_ROLE_ARN'],
  ...['AWS_EC2_METADATA_DISABLED', 'AWS_EC2_METADATA_SERVICE_ENDPOINT', 'AWS_ENDPOINT_URL_STS'],
  ...['AWS_CONTAINER_CREDENTIALS_FULL_URI', 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'],
]

function environment(variables: Readonly<Record<string, string>>): void {
  for (const name of VARIABLES) delete process.env[name]
  const nowhere = { AWS_CONFIG_FILE: '/nonexistent', AWS_SHARED_CREDENTIALS_FILE: '/nonexistent' }
  Object.assign(process.env, nowhere, { AWS_EC2_METADATA_DISABLED: 'true' }, variables)
}

const keyOf = ({ headers }: IncomingMessage) => /Credential=(\w+)/.exec(headers.authorization ?? '')?.[1] ?? ''
const settingsOf = ({ endpoint }: Answering): S3Settings => ({
  ...{ region: undefined, endpoint, addressing: 'path', owner: undefined, checksums: 'supported' },
})

/** A store that takes what is signed with the key `good`, and says `no` to the rest. */
async function storeFor(t: Test, good: string, no: Answer = s3Error(400, 'ExpiredToken', 'm')) {
  const server = await answering(t, (request) => (keyOf(request) === good ? STORED : no))
  const store: Store = await openStore('s3://bucket', settingsOf(server), long())
  t.teardown(() => store[Symbol.asyncDispose]())
  return { store, server }
}

const role = JSON.stringify({
  ...{ Code: 'Success', AccessKeyId: 'ROLE', SecretAccessKey: 'invented', Token: 'invented' },
  Expiration: new Date(Date.now() + 3_600_000).toISOString(),
})

/** The instance metadata service, busy for its first `busy` requests. */
function metadata(t: Test, busy: number, no: Answer = { status: 503 }): Promise<Answering> {
  return answering(t, ({ method, url }, nth) => {
    if (nth <= busy) return no
    if (method === 'PUT') return { headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '21600' }, body: 'token' }
    return { body: url?.endsWith('security-credentials/') ? 'invented-role' : role }
  })
}

const ofInstance = ({ endpoint }: Answering) =>
  environment({ AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint })

t.test('a metadata service that is busy is asked again', async (t) => {
  for (const no of [{ status: 503 }, { status: 500 }, { status: 429 }]) {
    ofInstance(await metadata(t, 4, no))
    const { store } = await storeFor(t, 'ROLE')
    t.match(await store.put('x', body, long()), { bytes: 1 })
  }
})

t.test('one that stays so is told with what it said', async (t) => {
  ofInstance(await metadata(t, Number.POSITIVE_INFINITY))
  const { store } = await storeFor(t, 'ROLE')
  const busy = /no credentials just now: the instance metadata service .* answers 503$/
  await t.rejects(store.put('x', body, soon()), failing('transient', busy))
  environment({ AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:1' })
  const refused = /no credentials just now: the instance metadata service .*127\.0\.0\.1:1/
  await t.rejects(store.put('x', body, soon()), failing('transient', refused))
})

t.test('an instance without a role is told so at once', async (t) => {
  ofInstance(await answering(t, ({ method }) => (method === 'PUT' ? { body: 'token' } : { status: 404 })))
  const { store } = await storeFor(t, 'ROLE')
  const message =
    /no credentials found: the instance metadata service .* has no role for this instance \(404\); give the host/
  await t.rejects(store.put('x', body, long()), failing('denied', message))
})

t.test('where nothing is named, the advice is for who reads it', async (t) => {
  environment({})
  const { store, server } = await storeFor(t, 'ROLE')
  await t.rejects(store.put('x', body, long()), failing('denied', /no credentials found: give the host a role/))
  await using archive = await openArchive('s3://bucket', settingsOf(server), long())
  const forPeople = failing('denied', /no credentials found: name a profile \(AWS_PROFILE\), log in \(aws sso login\)/)
  await t.rejects(Array.fromAsync(archive.list('', long())), forPeople)
  t.equal(server.seen.length, 0)
})

t.test("a container's service is asked again, unless it says no", async (t) => {
  const busy = await answering(t, (_request, nth) => (nth <= 2 ? { status: 500 } : { body: role }))
  environment({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${busy.endpoint}/role` })
  const { store } = await storeFor(t, 'ROLE')
  t.match(await store.put('x', body, long()), { bytes: 1 })
  const no = await answering(t, () => ({ status: 403, body: '{}' }))
  environment({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${no.endpoint}/role` })
  const { store: refused } = await storeFor(t, 'ROLE')
  await t.rejects(
    refused.put('x', body, long()),
    failing('denied', /no credentials found: the container's .*status: 403/),
  )
  environment({ AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1:1/role' })
  await t.rejects(refused.put('x', body, soon()), failing('transient', /just now: the container's .*ECONNREFUSED/))
})

const assumed = `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>
<AccessKeyId>ROLE</AccessKeyId><SecretAccessKey>invented</SecretAccessKey><SessionToken>invented</SessionToken>
<Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration>
</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`
const stsError = (status: number, code: string): Answer => ({
  status,
  headers: { 'content-type': 'text/xml' },
  body: `<ErrorResponse><Error><Code>${code}</Code><Message>m</Message></Error></ErrorResponse>`,
})

t.test('what STS says is not what the store says', async (t) => {
  const token = join(t.testdir({ token: 'invented' }), 'token')
  const ofSts = ({ endpoint }: Answering) =>
    environment({
      ...{ AWS_ENDPOINT_URL_STS: endpoint, AWS_REGION: 'eu-west-9' },
      ...{ AWS_WEB_IDENTITY_TOKEN_FILE: token, AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/x' },
    })
  const xml = { 'content-type': 'text/xml' }
  ofSts(
    await answering(t, (_request, nth) =>
      nth <= 2 ? stsError(503, 'ServiceUnavailable') : { headers: xml, body: assumed },
    ),
  )
  const { store } = await storeFor(t, 'ROLE')
  t.match(await store.put('x', body, long()), { bytes: 1 })
  ofSts(await answering(t, () => stsError(403, 'AccessDenied')))
  const { store: refused, server } = await storeFor(t, 'ROLE')
  const message =
    /no credentials found: the role arn:aws:iam::123456789012:role\/x, for the token .* gives none: m; give the host/
  await t.rejects(refused.put('x', body, long()), failing('denied', message))
  t.equal(server.seen.length, 0)
})

/** A shared credentials file, and how its content is replaced. */
async function shared(t: Test, key: string) {
  const file = join(t.testdir(), 'credentials')
  const write = async (name: string) => {
    const lines = ['[default]', `aws_access_key_id = ${name}`, 'aws_secret_access_key = invented']
    await writeFile(`${file}.new`, `${lines.join('\n')}\n`)
    await rename(`${file}.new`, file)
  }
  await write(key)
  environment({ AWS_SHARED_CREDENTIALS_FILE: file })
  return write
}

t.test('keys that the store knows no more are read anew', async (t) => {
  for (const [status, code] of [
    [400, 'ExpiredToken'],
    [400, 'InvalidToken'],
    [403, 'InvalidAccessKeyId'],
  ] as const) {
    const write = await shared(t, 'OLD')
    const { store, server } = await storeFor(t, 'NEW', s3Error(status, code, 'm'))
    await t.rejects(store.put('x', body, long()), failing('denied', new RegExp(`\\(${status} ${code}: m\\)$`)))
    t.equal(server.seen.length, 1, 'the same keys are no news')
    await write('OTHER')
    await t.rejects(store.put('x', body, long()), failing('denied'))
    t.equal(server.seen.length, 3, 'others are tried once')
    await write('NEW')
    t.match(await store.put('x', body, long()), { bytes: 1 })
    t.equal(server.seen.length, 5)
  }
})

t.test('warming up reads them anew, and keeps the old ones where there are no others', async (t) => {
  const write = await shared(t, 'OLD')
  const { store, server } = await storeFor(t, 'NEW')
  await store.warm(long())
  await write('NEW')
  await store.warm(long())
  const before = server.seen.length
  t.match(await store.put('x', body, long()), { bytes: 1 })
  t.equal(server.seen.length, before + 1, 'the first try is right')
  environment({})
  await t.rejects(store.warm(long()), failing('denied', /no credentials found/))
  t.match(await store.put('x', body, long()), { bytes: 1 })
})

t.test('a helper that fails is asked again, and one that hangs is named', async (t) => {
  const directory = t.testdir({
    helper: `if [ -e "$0.done" ]; then echo '${JSON.stringify({ Version: 1, ...JSON.parse(role), SessionToken: 'x' })}'; else touch "$0.done"; echo not yet >&2; exit 1; fi`,
    credentials: `[default]\ncredential_process = sh ${t.testdirName}/helper\n`,
    hanging: '[default]\ncredential_process = sleep 5\n',
  })
  environment({ AWS_SHARED_CREDENTIALS_FILE: join(directory, 'credentials') })
  const { store } = await storeFor(t, 'ROLE')
  await t.rejects(
    store.warm(long()),
    failing('transient', /just now: the profile default gives none: Command failed: .*not yet/),
  )
  t.match(await store.put('x', body, long()), { bytes: 1 })
  environment({ AWS_SHARED_CREDENTIALS_FILE: join(directory, 'hanging') })
  const { store: waiting } = await storeFor(t, 'ROLE')
  const put = waiting.put('x', body, soon())
  const hung = failing('transient', /its time was up, and credentials from the profile default had not answered$/)
  await t.rejects(put, hung)
})
