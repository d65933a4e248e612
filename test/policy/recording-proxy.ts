import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'

/** A request as it came, and what the server said to it. */
export interface Recorded {
  readonly method: string
  /** Path and query, as on the request line. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly status: number
  /** Of its body: how long it was, and what. */
  readonly bytes: number
  readonly sha256: string
}

export interface RecordingProxy extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string
  /** Every request that has been answered, in the order of the answers. */
  readonly recorded: readonly Recorded[]
  /** The requests that are recorded from now on, while `during` runs. */
  while<T>(during: () => Promise<T>): Promise<{ readonly result: T; readonly recorded: readonly Recorded[] }>
}

/**
 * A proxy on loopback before the HTTP server at `target` that writes every request down. It ends TLS as far as the server is
 * told: policies that demand TLS are met, as they are by a real endpoint. `onBytes` hears how many bytes of bodies have come.
 */
export async function recordingProxy(target: string, onBytes = (_: number) => {}): Promise<RecordingProxy> {
  const { hostname, port } = new URL(target)
  const recorded: Recorded[] = []
  let passed = 0

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = incoming
    const forwarded = request({
      hostname,
      port,
      method,
      path: url,
      headers: { ...headers, 'x-forwarded-proto': 'https' },
    })
    const answered = once(forwarded, 'response') as Promise<[IncomingMessage]>
    forwarded.on('error', () => outgoing.destroy())
    const sum = createHash('sha256')
    let bytes = 0
    incoming.on('data', (chunk: Buffer) => {
      sum.update(chunk)
      bytes += chunk.length
      passed += chunk.length
      onBytes(passed)
    })
    // Who has gone in the middle of a request has not made it.
    incoming.on('close', () => {
      if (!incoming.complete) forwarded.destroy()
    })
    // A server that refuses may answer, and hang up, before it has read all of the body.
    incoming.pipe(forwarded)
    const [answer] = await answered
    recorded.push({ method, url, headers, status: answer.statusCode ?? 0, bytes, sha256: sum.copy().digest('hex') })
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
    await pipeline(answer, outgoing)
  }

  const server = createServer((incoming, outgoing) => void serve(incoming, outgoing).catch(() => outgoing.destroy()))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    recorded,
    async while(during) {
      const before = recorded.length
      const result = await during()
      return { result, recorded: recorded.slice(before) }
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
