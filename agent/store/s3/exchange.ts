import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Pace, Sent } from '../pace.ts'
import { drop } from './drop.ts'
import type { Roads } from './roads.ts'
import { limitSilence, Silence } from './silence.ts'

/** A request of the SDK, as far as a bucket's client makes any. */
interface Asked {
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly method: string
  readonly path: string
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
}

/** How long to wait: for a connection, and for a sign of life; ms. */
export interface Limits {
  readonly connect: number
  readonly silence: number
}

/** A body goes out in pieces: each that the kernel takes is a sign of life, and TLS needs no more memory than one. */
const PIECE_BYTES = 256 * 1024

/** Nothing came about in time: no connection, or no sign of life on one. */
export class QuietError extends Error {
  readonly connected: boolean
  constructor(connected: boolean) {
    super(connected ? 'there was no sign of life' : 'no connection came about')
    this.name = 'TimeoutError'
    this.connected = connected
  }
}

/**
 * Sends requests for the SDK, in place of its own handler, which has one figure for silence: too short for an 8 MiB part that
 * lies in buffers before a slow link, or too long for a server that is dead. `pace` learns what has been answered, and tells
 * how long to wait.
 */
export function exchanges(roads: Roads, limits: Limits, pace: Pace) {
  return {
    handle: async (asked: object, options: { readonly abortSignal?: unknown } = {}) => {
      const answer = await exchange(asked as Asked, roads, limits, pace, options.abortSignal as AbortSignal | undefined)
      const headers = Object.entries(answer.headers).map(([name, value]) => [name, String(value)])
      const { statusCode = 0, statusMessage: reason = '' } = answer
      return { response: { statusCode, reason, headers: Object.fromEntries(headers), body: answer } }
    },
    updateHttpClientConfig: () => {},
    httpHandlerConfigs: () => ({}),
    destroy: () => {
      roads.httpAgent.destroy()
      roads.httpsAgent.destroy()
    },
  }
}

/** One request, until its answer begins. When the signal ends, so does the answer. */
async function exchange(asked: Asked, roads: Roads, limits: Limits, pace: Pace, signal?: AbortSignal) {
  signal?.throwIfAborted()
  const { promise: answered, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const body = bytesOf(asked.body)
  const request = begin(asked, roads)
  const sent = pace.send(body.length)
  const giveUp = (error: unknown, end: keyof Sent) => {
    sent[end]()
    reject(error)
    drop(request)
  }
  const connecting = setTimeout(() => giveUp(new QuietError(false), 'lost'), limits.connect)
  let silence: Silence | undefined
  let early = false
  const onAbort = () => giveUp(signal?.reason, 'lost')
  signal?.addEventListener('abort', onAbort, { once: true })

  request.on('socket', (socket) => {
    const onConnect = () => {
      clearTimeout(connecting)
      silence = new Silence(limits.silence, pace, () => giveUp(new QuietError(true), 'silent'))
    }
    if (socket.connecting) socket.once('connect', onConnect)
    else onConnect()
  })
  request.on('error', (error) => giveUp(error, 'lost'))
  request.on('response', (answer) => {
    sent.landed()
    silence?.end()
    limitSilence(answer, limits.silence, () => new QuietError(true))
    // An error may be answered before all was sent: the rest, and the connection, are of no use then.
    early = !request.writableEnded
    if (early) answer.once('close', () => request.destroy())
    resolve(answer)
  })
  request.on('close', () => {
    clearTimeout(connecting)
    silence?.end()
    signal?.removeEventListener('abort', onAbort)
  })
  const onTaken = () => {
    silence?.sign()
    return !early
  }
  write(request, body, onTaken).catch((error: unknown) => giveUp(error, 'lost'))
  return await answered
}

/** Not copied: a part is 8 MiB, and many are under way. */
function bytesOf(body: Asked['body'] = ''): Buffer {
  return typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
}

function begin({ protocol, hostname, port, method, path, query = {}, headers }: Asked, roads: Roads): ClientRequest {
  const secure = protocol === 'https:'
  return (secure ? httpsRequest : httpRequest)({
    agent: secure ? roads.httpsAgent : roads.httpAgent,
    // Without the brackets that an IPv6 address has in a URL.
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    path: [path, queryString(query)].filter((part) => part !== '').join('?'),
    ...{ port, method, headers },
  })
}

function queryString(query: NonNullable<Asked['query']>): string {
  const pairs = Object.entries(query).flatMap(([name, values]) =>
    values === null ? [escaped(name)] : [values].flat().map((value) => `${escaped(name)}=${escaped(value)}`),
  )
  return pairs.join('&')
}

/** As it is signed: RFC 3986, 2.3 (S3 API Reference, Signature Version 4, "UriEncode"). */
function escaped(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** Writes a body piece by piece; `onTaken` hears of each that the kernel has taken, and says whether to go on. */
async function write(request: ClientRequest, body: Buffer, onTaken: () => boolean): Promise<void> {
  for (let at = 0; at < body.length; at += PIECE_BYTES) {
    const { promise: taken, resolve, reject } = Promise.withResolvers<void>()
    request.write(body.subarray(at, at + PIECE_BYTES), (error) => (error ? reject(error) : resolve()))
    await taken
    if (!onTaken()) return
  }
  request.end()
}
