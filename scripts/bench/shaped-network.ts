import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What each connection gets: bytes a second on the way to the server, and the ms that anything takes in each direction. */
export interface Shape {
  readonly rate: number
  readonly delay: number
}

export interface ShapedNetwork extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string
}

/** Read ahead of the rate for so many ms, so that a late timer leaves no gap. */
const AHEAD_MS = 10

/** A way to the server at `target` on which every connection has its own share, as on the way to a large store. On loopback. */
export async function shapedNetwork(target: string, { rate, delay }: Shape): Promise<ShapedNetwork> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.once('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
      socket.on('error', () => {})
    }
    carry(client, upstream, rate, delay).catch(() => client.destroy())
    carry(upstream, client, Number.POSITIVE_INFINITY, delay).catch(() => client.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

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
