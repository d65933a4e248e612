import { cannot } from '../words/cannot.ts'

/** The messages of PROTOCOL.md and their place on the wire. */
export type Message =
  | { readonly kind: 'request' | 'item' | 'end' | 'fail'; readonly json: Readonly<Record<string, unknown>> }
  | { readonly kind: 'stop' }
  /** A piece of a data message, as it came: pieces follow one another in order, their borders mean nothing. */
  | { readonly kind: 'data'; readonly bytes: Buffer }

export const WALL_VERSION = 2
/** Where a host's collector listens. */
export const COLLECTOR_SOCKET = '/run/lastgasp/wall/collector.sock'
/** A manifest item is about 1 KiB; a hostile path may take 4 KiB (PATH_MAX), escaped six-fold. */
export const JSON_LIMIT = 64 * 1024
/** Twice the largest chunk that a seal or a frame gives out. */
export const DATA_LIMIT = 8 * 1024 * 1024

const HEADER_BYTES = 5
const KINDS = { request: 1, stop: 2, item: 16, data: 17, end: 18, fail: 19 } as const
type Kind = keyof typeof KINDS
const FROM_DAEMON: readonly Kind[] = ['request', 'stop']
const FROM_COLLECTOR: readonly Kind[] = ['item', 'data', 'end', 'fail']

/** A JSON message (or `stop`), ready to be written. */
export function message(kind: Exclude<Kind, 'data'>, json?: object): Buffer {
  const payload = json === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(json))
  if (payload.length > JSON_LIMIT) throw cannot(`send "${kind}" over the wall`, `it has ${payload.length} bytes`)
  return Buffer.concat([header(kind, payload.length), payload])
}

/** What goes before `length` bytes of data. */
export function dataHeader(length: number): Buffer {
  if (length > DATA_LIMIT) throw cannot('send data over the wall', `${length} bytes are more than ${DATA_LIMIT}`)
  return header('data', length)
}

function header(kind: Kind, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES)
  bytes.writeUInt32LE(length, 0)
  bytes[4] = KINDS[kind]
  return bytes
}

/**
 * Takes the other side's byte stream apart. Holds at most one JSON payload; data goes through in the pieces in which
 * it arrives. Throws where the stream breaks the protocol or ends within a message.
 */
export async function* messages(
  stream: AsyncIterable<Buffer>,
  from: 'daemon' | 'collector',
): AsyncGenerator<Message, void, void> {
  const allowed = from === 'daemon' ? FROM_DAEMON : FROM_COLLECTOR
  const head = Buffer.alloc(HEADER_BYTES)
  let headFilled = 0
  let kind: Kind | undefined
  let payload: Buffer | undefined
  let missing = 0
  for await (const chunk of stream) {
    let rest = chunk
    while (rest.length > 0 || (kind !== undefined && missing === 0)) {
      if (kind === undefined) {
        const copied = rest.copy(head, headFilled, 0, HEADER_BYTES - headFilled)
        headFilled += copied
        rest = rest.subarray(copied)
        if (headFilled < HEADER_BYTES) break
        headFilled = 0
        kind = kindOf(head[4], allowed)
        missing = head.readUInt32LE(0)
        const limit = kind === 'data' ? DATA_LIMIT : kind === 'stop' ? 0 : JSON_LIMIT
        if (missing > limit) throw cannot('read from the wall', `"${kind}" of ${missing} bytes is more than ${limit}`)
        payload = kind === 'data' ? undefined : Buffer.allocUnsafe(missing)
        continue
      }
      const piece = rest.subarray(0, missing)
      rest = rest.subarray(piece.length)
      if (payload === undefined) {
        if (piece.length > 0) yield { kind: 'data', bytes: piece }
      } else piece.copy(payload, payload.length - missing)
      missing -= piece.length
      if (missing > 0) continue
      if (kind === 'stop') yield { kind }
      else if (kind !== 'data' && payload !== undefined) yield { kind, json: parse(kind, payload) }
      kind = undefined
    }
  }
  if (kind !== undefined || headFilled > 0) throw cannot('read from the wall', 'it ended within a message')
}

function kindOf(number: number | undefined, allowed: readonly Kind[]): Kind {
  const kind = allowed.find((name) => KINDS[name] === number)
  if (kind === undefined) throw cannot('read from the wall', `kind ${number} is unknown, or not for this side`)
  return kind
}

function parse(kind: Kind, payload: Buffer): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(payload.toString())
  } catch (error) {
    throw cannot(`read "${kind}" from the wall`, error)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw cannot(`read "${kind}" from the wall`, 'it is no JSON object')
  return value as Record<string, unknown>
}
