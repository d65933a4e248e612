import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import type { Shaped } from './shaped-network.ts'

/** Read ahead of the rate for so many ms, so that a late timer leaves no gap. */
const AHEAD_MS = 10

const { target, shape } = workerData as Shaped
const { hostname, port } = new URL(target)
const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const upstream = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true })
  for (const socket of [client, upstream]) {
    socket.once('close', () => {
      client.destroy()
      upstream.destroy()
    })
    socket.on('error', () => {})
  }
  carry(client, upstream, shape.rate, shape.delay).catch(() => client.destroy())
  carry(upstream, client, Number.POSITIVE_INFINITY, shape.delay).catch(() => client.destroy())
})
await once(server.listen(0, '127.0.0.1'), 'listening')
parentPort?.postMessage((server.address() as AddressInfo).port)

async function carry(from: Socket, to: Socket, rate: number, delay: number): Promise<void> {
  /** When the connection has taken all that came so far. */
  let free = 0
  let delivered: Promise<unknown> = Promise.resolve()
  for await (const chunk of from as AsyncIterable<Buffer>) {
    free = Math.max(free, performance.now()) + (chunk.length / rate) * 1000
    const due = free + delay
    delivered = delivered.then(async () => {
      await sleep(Math.max(0, due - performance.now()))
      to.write(chunk)
    })
    const ahead = free - performance.now() - AHEAD_MS
    if (ahead > 0) await sleep(ahead)
  }
  await delivered
  to.end()
}
