/**
 * As much of D-Bus as a question takes: https://dbus.freedesktop.org/doc/dbus-specification.html, "Marshaling" and
 * "Message Protocol". Little-endian.
 */

/** A call of a method that takes nothing, or an array of strings. */
export interface Call {
  readonly path: string
  readonly interface: string
  readonly member: string
  /** Whom it is for, where there is more than one at the other end: on a bus. */
  readonly destination?: string
  readonly strings?: readonly string[]
}

export interface Reply {
  readonly body: Buffer
}

const METHOD_CALL = 1
const METHOD_RETURN = 2
const ERROR = 3
const HEADER = 16
/** Header fields: code and type. */
const PATH = [1, 'o'] as const
const INTERFACE = [2, 's'] as const
const MEMBER = [3, 's'] as const
const REPLY_SERIAL = 5
const DESTINATION = [6, 's'] as const
const SIGNATURE = [8, 'g'] as const

/** The message of a call; `serial` is what its answer will name. */
export function methodCall(call: Call, serial: number): Buffer {
  const { path, interface: of, member, destination, strings } = call
  const body = strings === undefined ? Buffer.alloc(0) : array(strings.map(string), 4)
  const fields = [
    field(PATH, string(path)),
    field(INTERFACE, string(of)),
    field(MEMBER, string(member)),
    ...(destination === undefined ? [] : [field(DESTINATION, string(destination))]),
    ...(strings === undefined ? [] : [field(SIGNATURE, Buffer.from('\x02as\0', 'latin1'))]),
  ]
  const header = Buffer.alloc(HEADER - 4)
  header.write('l', 'latin1')
  header[1] = METHOD_CALL
  header[3] = 1
  header.writeUInt32LE(body.length, 4)
  header.writeUInt32LE(serial, 8)
  return Buffer.concat([aligned(Buffer.concat([header, array(fields, 8)]), 8), body])
}

/**
 * The answer to the call of this serial in what was received; undefined while it is not there. Throws where it, or one before
 * it, is an error, and where this is no D-Bus.
 */
export function parseReply(received: Buffer, serial: number): Reply | undefined {
  for (let at = 0; at + HEADER <= received.length; ) {
    if (received[at] !== 'l'.charCodeAt(0)) throw new Error('its answer is no little-endian D-Bus message')
    const fields = at + HEADER
    const start = at + Math.ceil((HEADER + received.readUInt32LE(at + 12)) / 8) * 8
    const end = start + received.readUInt32LE(at + 4)
    if (end > received.length) return undefined
    const type = received[at + 1]
    const body = received.subarray(start, end)
    if (type === ERROR)
      throw new Error(`it answers with an error: ${body.toString('utf8', 4, 200).replace(/\0.*/s, '')}`)
    if (type === METHOD_RETURN && replySerial(received.subarray(fields, start)) === serial) return { body }
    at = end
  }
  return undefined
}

/**
 * Which call header fields are an answer to. Answers have this field, an unsigned number, behind others that are text: of
 * these only lengths are looked at.
 */
function replySerial(fields: Buffer): number | undefined {
  for (let at = 0; at + 8 <= fields.length; at = Math.ceil(at / 8) * 8) {
    const type = String.fromCharCode(fields[at + 2] ?? 0)
    if (type === 'u') {
      if (fields[at] === REPLY_SERIAL) return fields.readUInt32LE(at + 4)
      at += 8
    } else if (type === 'g') at += 4 + 1 + (fields[at + 4] ?? 0) + 1
    else at += 8 + fields.readUInt32LE(at + 4) + 1
  }
  return undefined
}

/** Names and active states in the answer of ListUnitsFiltered, a(ssssssouso): org.freedesktop.systemd1(5). */
export function unitList(body: Buffer): readonly { readonly name: string; readonly state: string }[] {
  const units = structs(body, 'units', 'ssssssouso')
  return units.map(([name = '', , , state = '']) => ({ name, state }))
}

/** A job that systemd has: what is done to which unit, and whether it is `running` or still `waiting` for others. */
export interface Job {
  readonly unit: string
  /** `start`, `stop`, `restart`, … */
  readonly type: string
  readonly state: string
}

/** The answer of ListJobs, a(usssoo): org.freedesktop.systemd1(5). */
export function jobList(body: Buffer): readonly Job[] {
  return structs(body, 'jobs', 'usssoo').map(([, unit = '', type = '', state = '']) => ({ unit, type, state }))
}

/** An array of structs of texts and numbers, the latter as empty texts. Throws where it is cut. */
function structs(body: Buffer, of: string, types: string): readonly string[][] {
  const all: string[][] = []
  const end = 8 + body.readUInt32LE(0)
  if (end > body.length) throw new Error(`its list of ${of} is cut`)
  for (let at = 8; at < end; ) {
    at = Math.ceil(at / 8) * 8
    const fields = Array.from(types, (type) => {
      at = Math.ceil(at / 4) * 4
      const length = type === 'u' ? 0 : body.readUInt32LE(at)
      const text = body.toString('utf8', at + 4, at + 4 + length)
      at += 4 + length + (type === 'u' ? 0 : 1)
      return text
    })
    all.push(fields)
  }
  return all
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(bytes.length)
  return Buffer.concat([length, bytes, Buffer.alloc(1)])
}

/** `alignment` of the elements; the padding before the first one is not counted in the length. */
function array(elements: readonly Buffer[], alignment: 4 | 8): Buffer {
  const content = elements.reduce(
    (before, element) => Buffer.concat([aligned(before, alignment), element]),
    Buffer.alloc(0),
  )
  const length = Buffer.alloc(4)
  length.writeUInt32LE(content.length)
  return Buffer.concat([length, content])
}

/** A header field: its code, and a variant. It begins at a multiple of 8, so its value does at one of 4. */
function field([code, type]: readonly [number, string], value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([code, 1, type.charCodeAt(0), 0]), value])
}

function aligned(bytes: Buffer, to: number): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((to - (bytes.length % to)) % to)])
}
