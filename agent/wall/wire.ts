import { type Lease, Shared } from '../streams/lease.ts'
import { cannot } from '../words/cannot.ts'

/** The messages of PROTOCOL.md and their place on the wire. */
export type Message =
  | { readonly kind: 'request' | 'item' | 'end' | 'fail'; readonly json: Readonly<Record<string, unknown>> }
  | { readonly kind: 'stop' }
  /** A piece of a data message, as it came: pieces follow one another in order, their borders mean nothing. */
  | { readonly kind: 'data'; readonly piece: Lease }

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
  stream: AsyncIterable<Lease>,
  from: 'daemon' | 'collector',
): AsyncGenerator<Message, void, void> {
  const incoming = new Incoming(from)
  for await (const chunk of stream) yield* incoming.messages(chunk)
  incoming.end()
}

/** What has come of the message that is being read. */
class Incoming {
  readonly #allowed: readonly Kind[]
  readonly #head = Buffer.alloc(HEADER_BYTES)
  #headFilled = 0
  #kind: Kind | undefined
  /** Of a JSON message. */
  #payload: Buffer | undefined
  /** Bytes of it that have not come. */
  #missing = 0

  constructor(from: 'daemon' | 'collector') {
    this.#allowed = from === 'daemon' ? FROM_DAEMON : FROM_COLLECTOR
  }

  /** The stream has ended. */
  end(): void {
    if (this.#kind !== undefined || this.#headFilled > 0)
      throw cannot('read from the wall', 'it ended within a message')
  }

  /** What is complete with the next bytes of the stream, and the data in them. */
  *messages(chunk: Lease): Generator<Message, void, void> {
    const shared = new Shared(chunk)
    for (let rest = chunk.bytes; rest.length > 0 || this.#isComplete; ) {
      if (this.#kind === undefined) {
        rest = rest.subarray(this.#takeHead(rest))
        continue
      }
      const bytes = rest.subarray(0, this.#missing)
      rest = rest.subarray(bytes.length)
      if (this.#payload !== undefined) bytes.copy(this.#payload, this.#payload.length - this.#missing)
      else if (bytes.length > 0) yield { kind: 'data', piece: shared.part(bytes) }
      this.#missing -= bytes.length
      if (this.#isComplete) yield* this.#complete()
    }
    shared.end()
  }

  get #isComplete(): boolean {
    return this.#kind !== undefined && this.#missing === 0
  }

  /** So many bytes of them belong to the head. */
  #takeHead(bytes: Buffer): number {
    const taken = bytes.copy(this.#head, this.#headFilled)
    this.#headFilled += taken
    if (this.#headFilled < HEADER_BYTES) return taken
    this.#headFilled = 0
    const kind = kindOf(this.#head[4], this.#allowed)
    const length = this.#head.readUInt32LE(0)
    const limit = kind === 'data' ? DATA_LIMIT : kind === 'stop' ? 0 : JSON_LIMIT
    if (length > limit) throw cannot('read from the wall', `"${kind}" of ${length} bytes is more than ${limit}`)
    this.#kind = kind
    this.#missing = length
    this.#payload = kind === 'data' ? undefined : Buffer.allocUnsafe(length)
    return taken
  }

  *#complete(): Generator<Message, void, void> {
    const kind = this.#kind
    this.#kind = undefined
    if (kind === 'stop') yield { kind }
    else if (kind !== undefined && kind !== 'data' && this.#payload !== undefined)
      yield { kind, json: parse(kind, this.#payload) }
  }
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
