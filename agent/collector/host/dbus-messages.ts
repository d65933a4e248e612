import { HEADER_BYTES } from './dbus.ts'

/** What has come: D-Bus Specification, "Message Format". */
export interface Message {
  readonly type: number
  readonly replySerial?: number
  /** Who sent it: on a bus, its word and not the sender's. */
  readonly sender?: string
  readonly path?: string
  readonly interface?: string
  readonly member?: string
  readonly signature?: string
  /** undefined: it is longer than we take. */
  readonly body: Buffer | undefined
}

/** Types of messages. */
export const METHOD_RETURN = 2
export const ERROR = 3
export const SIGNAL = 4

/** Bytes: the longest message that there is. */
const LONGEST = 128 * 1024 * 1024
/** Bytes of header fields that we take: names of at most 255 each, and a path. */
const FIELDS_BYTES = 64 * 1024
/** Header fields by their code, and the type that each must have. */
const FIELDS = {
  1: ['path', 'o'],
  2: ['interface', 's'],
  3: ['member', 's'],
  5: ['replySerial', 'u'],
  7: ['sender', 's'],
  8: ['signature', 'g'],
} as const

/**
 * Takes a stream of messages apart. Of bodies longer than `most` bytes nothing is kept. Anybody on a bus may send us whatever he likes: messages
 * of the other byte order, and such as have what this specification does not know in their headers, are passed over.
 */
export class Messages {
  readonly #most: number
  #held: Buffer = Buffer.alloc(0)
  /** Bytes to come of a message that is not kept. */
  #passing = 0

  constructor(most: number) {
    this.#most = most
  }

  /** What is complete with these bytes. Throws where this is no D-Bus. */
  *messages(bytes: Buffer): Generator<Message, void, void> {
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes])
    for (;;) {
      const passed = Math.min(this.#passing, this.#held.length)
      this.#passing -= passed
      this.#held = this.#held.subarray(passed)
      if (this.#passing > 0 || this.#held.length < HEADER_BYTES) return
      const { isLittle, fields, body } = lengths(this.#held)
      const start = Math.ceil((HEADER_BYTES + fields) / 8) * 8
      if (!isLittle || fields > FIELDS_BYTES) {
        this.#passing = start + body
        continue
      }
      const isKept = body <= this.#most
      const needed = isKept ? start + body : start
      if (this.#held.length < needed) return
      const known = fieldsOf(this.#held.subarray(HEADER_BYTES, HEADER_BYTES + fields))
      const content = isKept ? this.#held.subarray(start, needed) : undefined
      const type = this.#held.readUInt8(1)
      this.#held = this.#held.subarray(needed)
      if (!isKept) this.#passing = body
      if (known !== undefined) yield { type, ...known, body: content }
    }
  }
}

/** How long a message is that begins here. Throws where none does. */
function lengths(held: Buffer) {
  const order = String.fromCharCode(held.readUInt8(0))
  if (order !== 'l' && order !== 'B') throw new Error('its answer is no D-Bus message')
  const isLittle = order === 'l'
  const at = (offset: number) => (isLittle ? held.readUInt32LE(offset) : held.readUInt32BE(offset))
  const [body, fields] = [at(4), at(12)]
  if (body > LONGEST || fields > LONGEST) throw new Error('its answer is longer than a D-Bus message can be')
  return { isLittle, fields, body }
}

/** An array of codes and variants. Undefined where there is a type in it that no field has: it is not known how long that is. */
function fieldsOf(fields: Buffer): Omit<Message, 'type' | 'body'> | undefined {
  const known: Record<string, unknown> = {}
  for (let at = 0; at < fields.length; ) {
    at = Math.ceil(at / 8) * 8
    const code = fields[at] as keyof typeof FIELDS
    const type = fields.toString('latin1', at + 2, at + 2 + (fields[at + 1] ?? 0))
    at += 4
    if (type !== 's' && type !== 'o' && type !== 'g' && type !== 'u') return undefined
    const head = type === 'g' ? 1 : 4
    if (at + head > fields.length) return undefined
    const number = type === 'g' ? fields.readUInt8(at) : fields.readUInt32LE(at)
    const length = type === 'u' ? 0 : number
    const [name, expected] = FIELDS[code] ?? []
    if (name !== undefined && expected === type)
      known[name] = type === 'u' ? number : fields.toString('utf8', at + head, at + head + length)
    at += head + length + (type === 'u' ? 0 : 1)
  }
  return known
}
