import { Intake } from '../../streams/intake.ts'

/** ustar Interchange Format, POSIX.1-2024, pax: blocks of 512 bytes, fields of the header by offset and length. */
const BLOCK = 512
const NAME = [0, 100] as const
const SIZE = [124, 12] as const
const CHECKSUM = [148, 8] as const
const TYPE_AT = 156
const MAGIC_AT = 257
const PREFIX = [345, 155] as const
/** Bytes of an extended header or a long name: a path is at most 4095 bytes, and times and owners are short. */
const EXTENDED_MOST = 64 * 1024
const CHUNK_BYTES = 256 * 1024

/** Why there is no more of a tar. */
export class TarError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'TarError'
  }
}

export interface TarEntry {
  readonly name: string
  readonly kind: 'file' | 'directory' | 'other'
  /** Byte of the tar at which its content begins. */
  readonly from: number
  /** Read at most once, before the next entry is asked for; what is left of it is passed over. */
  content(): AsyncGenerator<Buffer, void, void>
}

/**
 * The entries of a tar as we write it: ustar, pax headers for long names, GNU's long names as well. An own reader, because
 * the tar may be forged: tar-stream keeps names of up to 4 MiB, and copies a global header of 4 MiB into every entry. Here
 * nothing is kept from one entry to the next. Throws TarError where it is no tar, or ends early. `hasHoles`: stretches of it read
 * as zeros, and it is taken up again at the next header.
 */
export async function* tarEntries(
  chunks: AsyncIterable<Buffer>,
  signal: AbortSignal,
  hasHoles = false,
): AsyncGenerator<TarEntry, void, void> {
  await using intake = new Intake(chunks, signal)
  let longName: string | undefined
  while (!(await intake.ended())) {
    signal.throwIfAborted()
    const header = await take(intake, BLOCK)
    if (hasHoles && !isHeader(header)) continue
    if (header.every((byte) => byte === 0)) break
    const size = checkedSize(header)
    const type = String.fromCharCode(header[TYPE_AT] ?? 0)
    if ('xgLK'.includes(type)) {
      if (size > EXTENDED_MOST) throw new TarError(`a name or extended header in it has ${size} bytes`)
      const extended = await take(intake, size)
      await take(intake, padding(size))
      if (type === 'x') longName = pathOf(extended) ?? longName
      if (type === 'L') longName = text(extended)
      continue
    }
    let left = size
    const content = async function* () {
      while (left > 0) {
        const chunk = await take(intake, Math.min(CHUNK_BYTES, left))
        left -= chunk.length
        yield chunk
      }
    }
    yield { name: longName ?? nameOf(header), kind: kindOf(type, nameOf(header)), from: intake.position, content }
    longName = undefined
    for await (const _ of content());
    await take(intake, padding(size))
  }
  // To the end: what a stream is found to be at its end is thrown there.
  while ((await intake.next()).length > 0) signal.throwIfAborted()
}

async function take(intake: Intake, length: number): Promise<Buffer> {
  const bytes = await intake.take(length)
  if (bytes.length < length) throw new TarError('the tar ends inside an entry')
  return bytes
}

function isHeader(header: Buffer): boolean {
  const sum = header.reduce((total, byte, at) => total + (at >= CHECKSUM[0] && at < TYPE_AT ? 0x20 : byte), 0)
  return octal(field(header, CHECKSUM)) === sum && header.toString('latin1', MAGIC_AT, MAGIC_AT + 5) === 'ustar'
}

function checkedSize(header: Buffer): number {
  if (!isHeader(header)) throw new TarError('it is no tar, or damaged')
  const size = octal(field(header, SIZE))
  if (size === undefined) throw new TarError('an entry of it has no size that can be read')
  return size
}

function kindOf(type: string, name: string): TarEntry['kind'] {
  if (type === '5' || ('\x000'.includes(type) && name.endsWith('/'))) return 'directory'
  return '\x0007'.includes(type) ? 'file' : 'other'
}

function nameOf(header: Buffer): string {
  const [name, prefix] = [text(field(header, NAME)), text(field(header, PREFIX))]
  // GNU's own format, `ustar  `, has times where POSIX has the prefix.
  return header[MAGIC_AT + 5] === 0 && prefix !== '' ? `${prefix}/${name}` : name
}

/** The `path` of an extended header: records of `length key=value\n`, the length counting all of it, in bytes. */
function pathOf(extended: Buffer): string | undefined {
  let path: string | undefined
  for (let at = 0; at < extended.length; ) {
    const [, digits = '', key] = /^(\d{1,6}) ([^=]{1,64})=/.exec(extended.toString('latin1', at, at + 80)) ?? []
    const end = at + Number(digits)
    const value = at + digits.length + 2 + (key?.length ?? 0)
    if (key === undefined || value >= end || end > extended.length) throw new TarError('an extended header is damaged')
    if (key === 'path') path = extended.toString('utf8', value, end - 1)
    at = end
  }
  return path
}

const field = (header: Buffer, [at, length]: readonly [number, number]) => header.subarray(at, at + length)
const padding = (size: number) => (BLOCK - (size % BLOCK)) % BLOCK

/** A text that ends at its first NUL. */
function text(bytes: Buffer): string {
  const end = bytes.indexOf(0)
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end)
}

/** A number in octal digits, as a field holds it; undefined for what is none, base-256 beyond 8 GiB included. */
function octal(bytes: Buffer): number | undefined {
  const [, digits] = /^ *([0-7]+)[ \0]*$/.exec(bytes.toString('latin1')) ?? []
  return digits === undefined ? undefined : Number.parseInt(digits, 8)
}
