import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import t, { type Test } from 'tap'
import { drop } from '../../agent/store/s3/drop.ts'

/** More than the kernel takes of what nobody reads. */
const BODY = Buffer.alloc(32 * 1024 * 1024)

/** What a server that reads nothing until then hears of a request that is dropped. */
async function heard(t: Test, server: Server, send: typeof httpRequest): Promise<unknown> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  const accepted = once(server, send === httpRequest ? 'connection' : 'secureConnection')
  const { port } = server.address() as AddressInfo
  const request = send({ host: '127.0.0.1', port, method: 'PUT', rejectUnauthorized: false } as object)
  request.on('error', () => {})
  request.write(BODY)
  const [socket] = (await accepted) as [Socket]
  socket.once('data', () => socket.pause())
  await once(socket, 'pause')
  const closed = new Promise((resolve) => request.once('close', resolve))
  drop(request)
  await closed
  const ended = new Promise((resolve) => {
    socket.on('end', () => resolve('all that was sent'))
    socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
  })
  socket.resume()
  return await ended
}

t.test('what is dropped leaves nothing on its way', async (t) => {
  t.equal(await heard(t, createServer(), httpRequest), 'ECONNRESET')
})

t.test('nor by TLS', async (t) => {
  const directory = t.testdir()
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => join(directory, name)) as [string, string]
  const self = ['req', '-x509', '-nodes', '-newkey', 'rsa:2048', '-subj', '/CN=store.invalid']
  const made = spawnSync('openssl', [...self, '-keyout', key, '-out', cert])
  if (made.status !== 0) return void t.pass('TLS', { skip: 'no openssl program here' })
  // Later versions send tickets, and a connection with something unread is reset in any case.
  const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert), maxVersion: 'TLSv1.2' })
  t.equal(await heard(t, server, httpsRequest), 'ECONNRESET')
})

t.test('a request without a connection is dropped too', async (t) => {
  const request = httpRequest({ host: '127.0.0.1', port: 1 })
  request.on('error', () => {})
  drop(request)
  t.ok(request.destroyed)
})
