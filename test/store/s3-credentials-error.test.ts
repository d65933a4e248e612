import { promises } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import t, { type Test } from 'tap'
import { credentialsError, passesOn, SilentSource, type Vain } from '../../agent/store/s3/credentials-error.ts'

/** A machine whose firmware says this. */
function firmware(t: Test, files: Readonly<Record<string, string>>): void {
  const real = promises.readFile
  const replace = (readFile: typeof real) => {
    promises.readFile = readFile
    syncBuiltinESMExports()
  }
  const told = async (path: string) => files[path] ?? Promise.reject(new Error('ENOENT'))
  replace(told as unknown as typeof real)
  t.teardown(() => replace(real))
}

const vain = (error: object, named = true): Vain => ({
  source: { name: 'the service', patience: 1, named, ask: async () => undefined },
  error,
})
const isTransient = async (error: object, named = true) => (await credentialsError([vain(error, named)])).transient
const told = async (error: object) => (await credentialsError([vain(error)])).message
const coded = (code: string, message = '') => Object.assign(new Error(message), { code })

t.test('what may pass, and what will not', async (t) => {
  firmware(t, {})
  for (const statusCode of [500, 503, 401, 408, 429]) t.ok(await isTransient({ statusCode }), `${statusCode}`)
  for (const statusCode of [403, 404, 499]) t.notOk(await isTransient({ statusCode }), `${statusCode}`)
  t.ok(await isTransient({ $metadata: { httpStatusCode: 500 } }))
  t.ok(await isTransient({ $metadata: { httpStatusCode: 400 }, name: 'ThrottlingException' }))
  t.notOk(await isTransient({ $metadata: { httpStatusCode: 400 }, name: 'ExpiredToken' }))
  const texts = ['Server responded with status: 503', 'Server responded with status: 429', 'Command failed: helper']
  for (const text of texts) t.ok(await isTransient(new Error(text)), text)
  t.notOk(await isTransient(new Error('Server responded with status: 403')))
})

t.test('a network that gives nothing may pass, by its code alone or by what is told of it', async (t) => {
  firmware(t, {})
  t.ok(await isTransient(coded('ECONNREFUSED')))
  t.ok(await isTransient(new Error('Error: connect ECONNREFUSED 127.0.0.1:80')))
  t.ok(await isTransient(new SilentSource()))
  t.ok(await isTransient(new DOMException('', 'TimeoutError')))
  t.ok(await isTransient(new Error('TimeoutError: it took too long')))
  t.notOk(await isTransient(coded('ENOENT', 'no such file')))
})

t.test('a metadata service that nobody has named, and that is not there, is none; on EC2 it is down', async (t) => {
  const silent = new SilentSource()
  const machines: readonly [boolean, Record<string, string>][] = [
    [false, {}],
    [false, { '/sys/class/dmi/id/sys_vendor': 'QEMU\n', '/sys/hypervisor/uuid': '9f00' }],
    [true, { '/sys/class/dmi/id/sys_vendor': 'Amazon EC2\n' }],
    [true, { '/sys/hypervisor/uuid': 'ec2e1916-9099-7caf-fd21-012345abcdef\n' }],
  ]
  for (const [isDown, files] of machines) {
    firmware(t, files)
    t.equal(await isTransient(silent, false), isDown, JSON.stringify(files))
  }
})

t.test('each says why', async (t) => {
  firmware(t, {})
  t.equal(await told({ statusCode: 404 }), 'the service has no role for this instance (404)')
  t.equal(await told({ statusCode: 503 }), 'the service answers 503')
  t.equal(await told(new SilentSource()), 'the service does not answer')
  t.equal(await told(new Error(' a\n  b \n')), 'the service gives none: a: b')
  t.equal(await told(new Error('x'.repeat(201))), `the service gives none: ${'x'.repeat(200)}…`)
  t.equal(await told(new Error('x'.repeat(200))), `the service gives none: ${'x'.repeat(200)}`)
  const both = await credentialsError([vain({ statusCode: 404 }), vain(coded('EACCES', 'no'))])
  t.equal(both.message, 'the service has no role for this instance (404); the service gives none: no')
})

t.test('the next source is asked where the SDK says so, or a file cannot be read', async (t) => {
  t.strictSame([{ tryNextLink: true }, { code: 'EACCES' }, { tryNextLink: false }, {}].map(passesOn), [
    ...[true, true, false, false],
  ])
})
