import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'

/** What was asked of a proxy: for which host, by whose key (`AKID` of the signature), and what the store said to it. */
export interface Asked {
  readonly host: string
  readonly key: string | undefined
  readonly status: number
}

export interface Proxy extends AsyncDisposable {
  readonly port: number
  readonly asked: readonly Asked[]
}

/**
 * A forward proxy on loopback (RFC 9112, 3.2.2: the whole URL is on the request line) behind which the one host `name` is the
 * server at `target`. What is asked for without a host, as one asks a server, it refuses.
 */
export async function startProxy(name: string, target: string): Promise<Proxy> {
  const { hostname, port } = new URL(target)
  const asked: Asked[] = []

  async function forward(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = 'GET', url = '', headers } = incoming
    const wanted = URL.parse(url)
    if (wanted?.hostname !== name) {
      outgoing.writeHead(wanted ? 502 : 400).end()
      return
    }
    const forwarded = request({ hostname, port, method, path: `${wanted.pathname}${wanted.search}`, headers })
    const answered = once(forwarded, 'response') as Promise<[IncomingMessage]>
    incoming.pipe(forwarded)
    const [answer] = await answered
    const key = /Credential=(\w+)\//.exec(headers.authorization ?? '')?.[1]
    asked.push({ host: wanted.host, key, status: answer.statusCode ?? 0 })
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
    await pipeline(answer, outgoing)
  }

  const server = createServer((incoming, outgoing) => void forward(incoming, outgoing).catch(() => outgoing.destroy()))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
