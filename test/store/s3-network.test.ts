import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { openArchive } from '../../agent/store/open.ts'
import { failing } from '../contract/failing.ts'

// Readers, for they give up after some tries.
Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'INVENTED', AWS_SECRET_ACCESS_KEY: 'invented' })
const signal = AbortSignal.timeout(60_000)
const list = async (endpoint: string) => {
  const settings = { region: 'x', endpoint, addressing: 'path', owner: undefined, checksums: 'supported' } as const
  await using archive = await openArchive('s3://bucket', settings, signal)
  return await Array.fromAsync(archive.list('', signal))
}

t.test('nobody listens', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await once(server.close(), 'close')
  await t.rejects(list(`http://127.0.0.1:${port}`), failing('transient', new RegExp(`127.0.0.1:${port} refused`)))
})

t.test('a name that does not exist (RFC 2606)', async (t) => {
  await t.rejects(list('http://store.invalid'), failing('transient', /name of store.invalid cannot be resolved/))
})

t.test('no TLS where TLS is expected', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  await t.rejects(list(`https://127.0.0.1:${port}`), failing('permanent', /does not speak TLS/))
})

t.test('a certificate that nobody has signed', async (t) => {
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(t.testdir(), name)) as [string, string]
  const subject = ['-subj', '/CN=localhost', '-newkey', 'rsa:2048', '-days', '1', '-keyout', key, '-out', cert]
  const made = spawnSync('openssl', ['req', '-x509', '-nodes', ...subject])
  if (made.status !== 0) return void t.pass('untrusted', { skip: 'no openssl program here' })
  const server = createTlsServer({ key: await readFile(key), cert: await readFile(cert) }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  await t.rejects(
    list(`https://localhost:${port}`),
    failing('permanent', /certificate of localhost:\d+ is not trusted/),
  )
})
