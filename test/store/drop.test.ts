import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import t from 'tap'
import { drop } from '../../agent/store/s3/drop.ts'

/** More than the kernel takes of what nobody reads. */
const BODY = Buffer.alloc(32 * 1024 * 1024)

t.test('what is dropped leaves nothing on its way', async (t) => {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  const accepted = once(server, 'connection')
  const { port } = server.address() as AddressInfo
  const request = httpRequest({ host: '127.0.0.1', port, method: 'PUT' })
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
  t.equal(await ended, 'ECONNRESET')
})

t.test('a request without a connection is dropped too', async (t) => {
  const request = httpRequest({ host: '127.0.0.1', port: 1 })
  request.on('error', () => {})
  drop(request)
  t.ok(request.destroyed)
})
