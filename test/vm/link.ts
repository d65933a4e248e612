import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** How the way to the store behaves: as it is, at most so many bytes per second towards it, or without a byte getting through. */
export type Behaviour = 'open' | 'silent' | { readonly bytesPerSecond: number }

/** A way from the guest to the store on loopback whose behaviour can be changed at any time. */
export class Link implements AsyncDisposable {
  behaviour: Behaviour = 'open'
  /** The port on loopback that it leads to. */
  target: number
  /** Connections that a guest has made so far. */
  connections = 0
  /** Bytes that have come from a guest so far. */
  sent = 0
  readonly port: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** When the link has carried what it was given: ms since the epoch. All connections share its speed. */
  #free = 0

  private constructor(server: Server, port: number, target: number) {
    this.#server = server
    this.port = port
    this.target = target
    server.on('connection', (client) => {
      this.connections++
      this.#keep(client)
      this.#carry(client, this.#keep(createConnection(this.target, '127.0.0.1')))
    })
  }

  static async open(target: number): Promise<Link> {
    const server = createServer({ allowHalfOpen: true })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', resolve)
    })
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
    return new Link(server, address.port, target)
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket)
    socket.on('error', () => {}) // either end may go at any time: the other one is told by its end
    socket.once('close', () => this.#sockets.delete(socket))
    return socket
  }

  #carry(client: Socket, store: Socket): void {
    const there = pipeline(client, (chunks: AsyncIterable<Buffer>) => this.#passing(chunks, true), store)
    const back = pipeline(store, (chunks: AsyncIterable<Buffer>) => this.#passing(chunks, false), client)
    void Promise.allSettled([there, back]).then(() => client.destroy())
  }

  async *#passing(chunks: AsyncIterable<Buffer>, towardsStore: boolean) {
    for await (const chunk of chunks) {
      if (towardsStore) this.sent += chunk.length
      if (this.behaviour === 'silent') continue
      if (this.behaviour !== 'open' && towardsStore) {
        this.#free = Math.max(this.#free, Date.now()) + (chunk.length / this.behaviour.bytesPerSecond) * 1000
        await sleep(Math.max(0, this.#free - Date.now()))
      }
      yield chunk
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
