import t from 'tap'
import { openStore } from '../../agent/store/open.ts'
import { failing } from '../contract/failing.ts'
import { startS3Server } from '../s3-server.ts'

const signal = AbortSignal.timeout(120_000)
const body = Buffer.from('x')

/** Nothing of this machine's own may let a test pass. */
const NOWHERE = {
  AWS_CONFIG_FILE: '/nonexistent',
  AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
  AWS_EC2_METADATA_DISABLED: 'true',
}
// Longer than a runner allows by itself, for machines that do much else.
t.setTimeout(180_000)
const server = await startS3Server()
Object.assign(process.env, NOWHERE)

if (typeof server === 'string') {
  t.test('credentials', { skip: server }, async () => {})
} else {
  const { settings, accessKey, secretKey } = server
  t.teardown(() => server[Symbol.asyncDispose]())
  await server.makeBucket('credentials')
  const withKeys = (id: string | undefined, secret: string | undefined) => {
    for (const [name, value] of Object.entries({ AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret })) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
    return openStore('s3://credentials', settings, signal)
  }

  t.test('a wrong secret, an unknown key and no credentials at all are denied', async (t) => {
    await using wrong = await withKeys(accessKey, 'not-the-invented-secret')
    await t.rejects(wrong.put('x', body, signal), failing('denied', /secret key does not fit/))
    await using unknown = await withKeys('NOBODYKNOWSTHISKEY', secretKey)
    await t.rejects(unknown.put('x', body, signal), failing('denied', /does not know the access key/))
    await using none = await withKeys(undefined, undefined)
    await t.rejects(none.put('x', body, signal), failing('denied', /no credentials found/))
    await t.rejects(none.warm(signal), failing('denied', /no credentials found/))
  })

  t.test('a bucket that is not there is a permanent failure', async (t) => {
    await withKeys(accessKey, secretKey)
    await using store = await openStore('s3://no-such-bucket/a', settings, signal)
    await t.rejects(store.put('x', body, signal), failing('permanent', /no bucket no-such-bucket at 127\.0\.0\.1/))
    await t.rejects(store.begin('x', signal), failing('permanent', /no bucket/))
  })

  t.test('credentials that are warm outlive their source', async (t) => {
    await using store = await withKeys(accessKey, secretKey)
    await store.warm(signal)
    await withKeys(undefined, undefined)
    t.match(await store.put('warm', body, signal), { bytes: 1 })
  })

  t.test('the systemd credential lastgasp.aws is found', async (t) => {
    const file = `[default]\naws_access_key_id = ${accessKey}\naws_secret_access_key = ${secretKey}\n`
    process.env.CREDENTIALS_DIRECTORY = t.testdir({ 'lastgasp.aws': file })
    t.teardown(() => {
      delete process.env.CREDENTIALS_DIRECTORY
      Object.assign(process.env, NOWHERE)
    })
    await using store = await withKeys(undefined, undefined)
    await store.warm(signal)
    t.match(await store.put('systemd', body, signal), { bytes: 1 })
  })

  t.test('a service without that credential keeps the usual chain', async (t) => {
    process.env.CREDENTIALS_DIRECTORY = t.testdir()
    await using store = await withKeys(accessKey, secretKey)
    t.match(await store.put('chain', body, signal), { bytes: 1 })
    t.equal(process.env.AWS_SHARED_CREDENTIALS_FILE, '/nonexistent')
  })
}
