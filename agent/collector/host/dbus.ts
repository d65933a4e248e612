/**
 * As much of D-Bus as asking and listening take: https://dbus.freedesktop.org/doc/dbus-specification.html, "Marshaling" and
 * "Message Protocol". What we write is little-endian.
 */

/** A call of a method that takes texts, arrays of texts, or nothing. */
export interface Call {
  readonly path: string
  readonly interface: string
  readonly member: string
  /** Whom it is for, where there is more than one at the other end: on a bus. */
  readonly destination?: string
  /** Nobody is started to answer it. */
  readonly onlyIfThere?: boolean
  readonly args?: readonly (string | readonly string[])[]
}

export const METHOD_CALL = 1
const NO_AUTO_START = 2
export const HEADER_BYTES = 16
/** Header fields: code and type. */
const PATH = [1, 'o'] as const
const INTERFACE = [2, 's'] as const
const MEMBER = [3, 's'] as const
const DESTINATION = [6, 's'] as const
const SIGNATURE = [8, 'g'] as const

/** The message of a call; `serial` is what its answer will name. */
export function methodCall(call: Call, serial: number): Buffer {
  const { path, interface: of, member, destination, args = [] } = call
  const body = args.reduce<Buffer>((before, arg) => Buffer.concat([aligned(before, 4), argument(arg)]), Buffer.alloc(0))
  const signature = args.map((arg) => (typeof arg === 'string' ? 's' : 'as')).join('')
  const fields = [
    field(PATH, string(path)),
    field(INTERFACE, string(of)),
    field(MEMBER, string(member)),
    ...(destination === undefined ? [] : [field(DESTINATION, string(destination))]),
    ...(signature === '' ? [] : [field(SIGNATURE, signatureOf(signature))]),
  ]
  const header = Buffer.alloc(HEADER_BYTES - 4)
  header.write('l', 'latin1')
  header[1] = METHOD_CALL
  header[2] = call.onlyIfThere ? NO_AUTO_START : 0
  header[3] = 1
  header.writeUInt32LE(body.length, 4)
  header.writeUInt32LE(serial, 8)
  return Buffer.concat([aligned(Buffer.concat([header, array(fields, 8)]), 8), body])
}

/** The texts at the beginning of a body, so many. Throws where it is shorter. */
export function texts(body: Buffer, count: number): readonly string[] {
  let at = 0
  return Array.from({ length: count }, () => {
    at = Math.ceil(at / 4) * 4
    const end = at + 4 + number(body, at)
    if (end >= body.length) throw new Error('a text in it is cut')
    const text = body.toString('utf8', at + 4, end)
    at = end + 1
    return text
  })
}

/** A yes or no at the beginning of a body. Throws where there is none. */
export const flag = (body: Buffer): boolean => number(body, 0) !== 0

/** The number of 32 bits at a place of a body. Throws where it is shorter. */
function number(body: Buffer, at: number): number {
  if (at + 4 > body.length) throw new Error('it is cut')
  return body.readUInt32LE(at)
}

/** A variant of one basic type, as Get of org.freedesktop.DBus.Properties gives it: its type, and where its value begins. Throws where there is none. */
export function variant(body: Buffer): { readonly type: string; readonly value: Buffer } {
  if (body.length === 0) throw new Error('it is empty')
  const type = body.toString('latin1', 1, 1 + body.readUInt8(0))
  const width = type === 't' || type === 'x' || type === 'd' ? 8 : 4
  return { type, value: body.subarray(Math.ceil((type.length + 2) / width) * width) }
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
  const end = 8 + number(body, 0)
  if (end > body.length) throw new Error(`its list of ${of} is cut`)
  for (let at = 8; at < end; ) {
    at = Math.ceil(at / 8) * 8
    const fields = Array.from(types, (type) => {
      at = Math.ceil(at / 4) * 4
      const length = type === 'u' ? 0 : number(body, at)
      const text = body.toString('utf8', at + 4, at + 4 + length)
      at += 4 + length + (type === 'u' ? 0 : 1)
      return text
    })
    all.push(fields)
  }
  return all
}

const argument = (arg: string | readonly string[]) =>
  typeof arg === 'string' ? string(arg) : array(arg.map(string), 4)

function signatureOf(text: string): Buffer {
  return Buffer.from(`${String.fromCharCode(text.length)}${text}\0`, 'latin1')
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
