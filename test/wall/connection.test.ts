import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Lease } from '../../agent/streams/lease.ts'
import { DescriptorReserve } from '../../agent/streams/reserve.ts'
import { connectTo } from '../../agent/wall/connection.ts'
import { noise } from '../frames/streams.ts'

interface Teardown {
  teardown(end: () => Promise<void>): void
}

/** A socket with somebody behind it. */
async function served(test: Teardown, speak: (socket: Socket) => void): Promise<string> {
  // Not in testdir(): the path of a socket has at most 107 bytes.
  const directory = await mkdtemp(join(tmpdir(), 'lastgasp-test-'))
  const path = join(directory, 'socket')
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    speak(socket)
  }).listen(path)
  await once(server, 'listening')
  test.teardown(async () => {
    server.close()
    await rm(directory, { recursive: true })
  })
  return path
}

t.test('all that was sent arrives, in the same memory, however slow the reader', async (t) => {
  const content = noise(3_000_001, 5)
  const path = await served(t, (socket) => socket.end(content))
  const { socket, pieces } = connectTo(path)
  const memory = new Set<ArrayBufferLike>()
  let at = 0
  for await (const { bytes, release } of pieces) {
    await new Promise((resolve) => setImmediate(resolve))
    t.equal(bytes.compare(content, at, at + bytes.length), 0)
    at += bytes.length
    memory.add(bytes.buffer)
    release()
  }
  t.equal(at, content.length)
  t.equal(memory.size, 1)
  socket.destroy()
})

t.test('nothing more is read before a piece has come back, or the connection has ended', async (t) => {
  const content = noise(1_000_000, 6)
  const { socket, pieces } = connectTo(await served(t, (socket) => socket.end(content)))
  const iterator = pieces[Symbol.asyncIterator]()
  const first = (await iterator.next()).value as Lease
  let came = false
  const second = iterator.next().then(({ value }) => {
    came = true
    return value as Lease
  })
  await sleep(50)
  t.notOk(came)
  t.equal(first.bytes.compare(content, 0, first.bytes.length), 0)
  first.release()
  t.ok((await second).bytes.length > 0)
  const inVain = iterator.next()
  await sleep(10)
  socket.destroy()
  t.equal((await inVain).done, true)
})

t.test('an end without a byte, a break, and nobody there', async (t) => {
  const quiet = connectTo(await served(t, (socket) => socket.end()))
  t.same(await Array.fromAsync(quiet.pieces), [])
  const broken = connectTo(await served(t, (socket) => socket.resume()))
  await once(broken.socket, 'connect')
  setImmediate(() => broken.socket.destroy(new Error('cut')))
  await t.rejects(Array.fromAsync(broken.pieces), { message: 'cut' })
  await t.rejects(Array.fromAsync(connectTo('/nowhere/socket').pieces), { code: 'ENOENT' })
})

t.test('a descriptor of the reserve is free while it connects, and taken back whatever comes of it', async (t) => {
  using reserve = new DescriptorReserve(2)
  const path = await served(t, (socket) => socket.end())
  const { socket } = connectTo(path, reserve)
  t.equal(reserve.held, 1)
  await once(socket, 'connect')
  t.equal(reserve.held, 2)
  socket.destroy()

  const nobody = connectTo(join(path, '../nobody'), reserve)
  t.equal(reserve.held, 1)
  await new Promise((resolve) => nobody.socket.once('close', resolve))
  t.equal(reserve.held, 2)
})
