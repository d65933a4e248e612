import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** What a made-up server answers; undefined: it takes the request and stays silent. */
export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Answering {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string
  readonly host: string
  /** Request lines seen, in order: `PUT /bucket/key?x-id=PutObject`. */
  readonly seen: readonly string[]
}

/** An HTTP server on loopback that answers as `decide` has it, until the test ends. `nth` counts requests from 1. */
export async function answering(
  t: Test,
  decide: (request: IncomingMessage, nth: number, body: string) => Answer | undefined,
): Promise<Answering> {
  const seen: string[] = []
  const listener: RequestListener = async (request, response) => {
    seen.push(`${request.method} ${request.url}`)
    const nth = seen.length
    const body = Buffer.concat(await request.toArray().catch(() => [])).toString('latin1')
    const answer = decide(request, nth, body)
    if (answer === undefined) return
    response.writeHead(answer.status ?? 200, answer.headers).end(answer.body ?? '')
  }
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { endpoint: `http://${host}`, host, seen }
}

/** An error as S3 has it (API Reference, "REST error responses"); `more` are further elements. */
export function s3Error(status: number, code: string, message = '', more = ''): Answer {
  const body = `<Error><Code>${code}</Code>${message && `<Message>${message}</Message>`}${more}</Error>`
  return { status, headers: { 'content-type': 'application/xml' }, body }
}

/** An object that was stored. */
export const STORED: Answer = { headers: { etag: '"1"' } }
