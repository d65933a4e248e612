/** Messages as the D-Bus Specification has them, made without the code that they judge. */
export interface Said {
  readonly type: 'call' | 'return' | 'error' | 'signal'
  readonly path?: string
  readonly interface?: string
  readonly member?: string
  readonly error?: string
  readonly replySerial?: number
  readonly destination?: string
  /** Who it says it is. */
  readonly sender?: string
  readonly signature?: string
  readonly body?: Buffer
  readonly big?: boolean
  /** A field of a type that nobody knows. */
  readonly strange?: boolean
}

const TYPES = { call: 1, return: 2, error: 3, signal: 4 } as const

export function marshalled(said: Said, serial: number): Buffer {
  const { body = Buffer.alloc(0), big = false } = said
  const number = (value: number) => {
    const bytes = Buffer.alloc(4)
    if (big) bytes.writeUInt32BE(value)
    else bytes.writeUInt32LE(value)
    return bytes
  }
  const text = (value: string) => Buffer.concat([number(Buffer.byteLength(value)), Buffer.from(`${value}\0`)])
  const signature = (value: string) => Buffer.from(`${String.fromCharCode(value.length)}${value}\0`, 'latin1')
  const fields: Buffer[] = []
  const add = (code: number, type: string, value: Buffer | undefined) => {
    if (value !== undefined) fields.push(Buffer.concat([Buffer.from([code]), signature(type), value]))
  }
  if (said.strange) add(200, 'x', Buffer.alloc(8))
  add(1, 'o', said.path === undefined ? undefined : text(said.path))
  add(2, 's', said.interface === undefined ? undefined : text(said.interface))
  add(3, 's', said.member === undefined ? undefined : text(said.member))
  add(4, 's', said.error === undefined ? undefined : text(said.error))
  add(5, 'u', said.replySerial === undefined ? undefined : number(said.replySerial))
  add(6, 's', said.destination === undefined ? undefined : text(said.destination))
  add(7, 's', said.sender === undefined ? undefined : text(said.sender))
  add(8, 'g', said.signature === undefined ? undefined : signature(said.signature))
  const array = fields.reduce((before, one) => Buffer.concat([padded(before), one]), Buffer.alloc(0))
  const head = Buffer.from([big ? 0x42 : 0x6c, TYPES[said.type], 0, 1])
  return Buffer.concat([
    padded(Buffer.concat([head, number(body.length), number(serial), number(array.length), array])),
    body,
  ])
}

const padded = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc((8 - (bytes.length % 8)) % 8)])

/** Bodies: texts one after the other, a yes or no, variants of these and of a number of 64 bits. */
export function bodyOf(...values: readonly string[]): Buffer {
  return values.reduce<Buffer>((before, value) => {
    const length = Buffer.alloc(4)
    length.writeUInt32LE(Buffer.byteLength(value))
    const gap = Buffer.alloc((4 - (before.length % 4)) % 4)
    return Buffer.concat([before, gap, length, Buffer.from(`${value}\0`)])
  }, Buffer.alloc(0))
}

export const yes = (value: boolean): Buffer => Buffer.from([value ? 1 : 0, 0, 0, 0])
export const variantOf = (value: boolean | bigint): Buffer => {
  if (typeof value === 'boolean') return Buffer.concat([Buffer.from('\x01b\0\0', 'latin1'), yes(value)])
  const number = Buffer.alloc(8)
  number.writeBigUInt64LE(value)
  return Buffer.concat([Buffer.from('\x01t\0\0\0\0\0\0', 'latin1'), number])
}
