import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What happens to a request (and its answer) on its way through the proxy. */
export type Fault =
  /** It goes through after so many ms. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** It goes through at this many bytes a second. */
  | { readonly kind: 'slow'; readonly rate: number }
  /** Nothing moves any more after so many bytes of it; 0 is a server that accepts and never answers. */
  | { readonly kind: 'stall'; readonly after: number }
  /** The connection breaks after so many bytes of it. */
  | { readonly kind: 'cut'; readonly after: number }
  /** It goes through, and the connection breaks after so many bytes of the answer; 0 loses the whole answer. */
  | { readonly kind: 'cut-answer'; readonly after: number }
  /** It goes through, and nothing moves any more after so many bytes of the answer. */
  | { readonly kind: 'stall-answer'; readonly after: number }
  /** It goes no further; the proxy answers with this status and S3 error code, and further elements of the error. */
  | { readonly kind: 'answer'; readonly status: number; readonly code: string; readonly more?: string }

export interface FaultyProxy extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string
  /** Request lines seen, in order: `PUT /bucket/key?partNumber=1`. */
  readonly seen: readonly string[]
  /** The same requests as they came, in latin1, each to the end of the chunk that reaches REMEMBERED characters. */
  readonly requests: readonly string[]
  /** How many connections it has taken so far. */
  connections(): number
  /** The next `times` requests whose line matches meet the fault. */
  on(line: RegExp, fault: Fault, times?: number): void
  /** Decides what every request meets for which there is no such rule; `nth` counts those with the same line from 1. */
  decide(by: (line: string, nth: number) => Fault | undefined): void
  /**
   * From now on all requests together go through at so many bytes a second, as over a slow link. What it has not let through
   * lies in the kernel's buffers, here and at the sender, as before a slow router.
   */
  slowLink(rate: number): void
  /** Stops listening and breaks every connection: from now on they are refused. */
  refuse(): Promise<void>
  /** Listens again, on the same port. */
  accept(): Promise<void>
}

const REMEMBERED = 8192
const REQUEST_LINE = /^(?:GET|HEAD|POST|PUT|DELETE) \S+/

/** A TCP proxy on loopback before the HTTP server at `target`, which does to requests what it is told. */
export async function faultyProxy(target: string): Promise<FaultyProxy> {
  const { hostname, port } = new URL(target)
  const seen: string[] = []
  const requests: string[] = []
  const rules: { line: RegExp; fault: Fault; times: number }[] = []
  const sockets = new Set<Socket>()

  let decider: (line: string, nth: number) => Fault | undefined = () => undefined
  function faultFor(line: string): Fault | undefined {
    seen.push(line)
    const rule = rules.find((one) => one.times > 0 && one.line.test(line))
    if (rule === undefined) return decider(line, seen.filter((one) => one === line).length)
    rule.times -= 1
    return rule.fault
  }

  let rate = Number.POSITIVE_INFINITY
  /** When what the link has taken so far will be through, on the clock of `performance.now()`. */
  let linkFree = 0
  async function passLink(bytes: number): Promise<void> {
    if (rate === Number.POSITIVE_INFINITY) return
    linkFree = Math.max(linkFree, performance.now()) + (bytes / rate) * 1000
    await sleep(linkFree - performance.now())
  }

  let accepted = 0
  async function serve(client: Socket): Promise<void> {
    accepted += 1
    const upstream = connect(Number(port), hostname)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket)).on('error', () => {})
    }
    client.once('close', () => upstream.destroy())
    upstream.once('close', () => client.destroy())
    let fault: Fault | undefined
    let forwarded = 0
    let answered = 0
    let number = 0
    upstream.on('data', (chunk: Buffer) => {
      if (fault?.kind !== 'cut-answer' && fault?.kind !== 'stall-answer') return void client.write(chunk)
      client.write(chunk.subarray(0, Math.max(0, fault.after - answered)))
      answered += chunk.length
      if (fault.kind === 'cut-answer' && answered >= fault.after) client.end(() => client.destroy())
    })
    for await (const chunk of client as AsyncIterable<Buffer>) {
      const [line] = REQUEST_LINE.exec(chunk.toString('latin1', 0, 2048)) ?? []
      if (line !== undefined) {
        fault = faultFor(line)
        forwarded = answered = 0
        number = requests.push('') - 1
        if (fault?.kind === 'delay') await sleep(fault.ms)
      }
      if ((requests[number]?.length ?? REMEMBERED) < REMEMBERED) requests[number] += chunk.toString('latin1')
      if (fault?.kind === 'answer') return void client.end(errorAnswer(fault))
      if (fault?.kind === 'slow') await sleep((chunk.length / fault.rate) * 1000)
      await passLink(chunk.length)
      const limit = fault?.kind === 'stall' || fault?.kind === 'cut' ? fault.after : Number.POSITIVE_INFINITY
      if (limit > forwarded) upstream.write(chunk.subarray(0, limit - forwarded))
      forwarded += chunk.length
      if (forwarded < limit) continue
      if (fault?.kind === 'cut') return void client.destroy()
      await once(client, 'close')
    }
  }

  const server = createServer((client) => void serve(client).catch(() => client.destroy()))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const mine = (server.address() as AddressInfo).port

  async function refuse(): Promise<void> {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }

  return {
    endpoint: `http://127.0.0.1:${mine}`,
    seen,
    requests,
    connections: () => accepted,
    on: (line, fault, times = Number.POSITIVE_INFINITY) => void rules.push({ line, fault, times }),
    decide: (by) => {
      decider = by
    },
    slowLink: (bytesPerSecond) => {
      rate = bytesPerSecond
    },
    refuse,
    accept: async () => void (await once(server.listen(mine, '127.0.0.1'), 'listening')),
    [Symbol.asyncDispose]: refuse,
  }
}

function errorAnswer({ status, code, more = '' }: Extract<Fault, { kind: 'answer' }>): string {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>so it is</Message>${more}</Error>`
  const head = [`HTTP/1.1 ${status} ${code}`, `Content-Length: ${body.length}`, 'Content-Type: application/xml']
  return [...head, 'Connection: close', '', body].join('\r\n')
}
