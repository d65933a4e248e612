/**
 * The textual header of an age file: c2sp.org/age, section "Header". Bytes in, stanzas out, no keys.
 */
import { SealError } from './seal-error.ts'

const VERSION_LINE = 'age-encryption.org/v1\n'
const ARMOR_START = '-----BEGIN AGE ENCRYPTED FILE-----'
const FOOTER_START = '---'
const COLUMNS = 64
const MAC_BYTES = 32
/** Most bytes a header may take: some 2,500 X25519 recipients. What has no end by then is no header. */
export const HEADER_BYTES_MAX = 256 * 1024

/** The file key wrapped for one recipient: type and arguments, and the wrapped key. */
export interface Stanza {
  readonly type: string
  readonly args: readonly string[]
  readonly body: Buffer
}

export interface Header {
  readonly stanzas: readonly Stanza[]
  readonly mac: Buffer
  /** What the MAC is over. */
  readonly authenticated: Buffer
  /** Size of the whole header: where the payload begins. */
  readonly bytes: number
}

/** The header up to and including `---`: what the MAC is over. */
export function formatStanzas(stanzas: readonly Stanza[]): Buffer {
  const lines = stanzas.map(({ type, args, body }) => {
    const text = base64(body)
    const full = Array.from({ length: Math.floor(text.length / COLUMNS) }, (_, row) => {
      return `${text.slice(row * COLUMNS, (row + 1) * COLUMNS)}\n`
    })
    return `-> ${[type, ...args].join(' ')}\n${full.join('')}${text.slice(full.length * COLUMNS)}\n`
  })
  return Buffer.from(`${VERSION_LINE}${lines.join('')}${FOOTER_START}`, 'latin1')
}

/** The rest of the header's last line. */
export function formatMac(mac: Buffer): Buffer {
  return Buffer.from(` ${base64(mac)}\n`, 'latin1')
}

/**
 * The header at the beginning of `start`, or undefined where its end is not among these bytes.
 * Throws SealError `malformed` for what cannot become a header any more.
 */
export function parseHeader(start: Buffer): Header | undefined {
  const beginning = start.toString('latin1', 0, VERSION_LINE.length)
  if (!VERSION_LINE.startsWith(beginning)) throw malformed(notAge(start))
  const footer = start.indexOf(`\n${FOOTER_START}`) + 1
  const end = footer === 0 ? -1 : start.indexOf('\n', footer)
  if (end < 0) {
    if (start.length < HEADER_BYTES_MAX) return undefined
    throw malformed(`its header has no end within ${HEADER_BYTES_MAX} bytes`)
  }
  const mac = unbase64(start.toString('latin1', footer + FOOTER_START.length + 1, end))
  if (start[footer + FOOTER_START.length] !== 0x20 || mac?.length !== MAC_BYTES) {
    throw malformed('the last line of its header is no MAC')
  }
  return {
    stanzas: parseStanzas(start.toString('latin1', VERSION_LINE.length, footer)),
    mac,
    authenticated: start.subarray(0, footer + FOOTER_START.length),
    bytes: end + 1,
  }
}

/** Base64 of RFC 4648 without padding, as the header writes it. */
export function base64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}

/** The bytes, or undefined where the text is not the one way to write them. */
export function unbase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return base64(bytes) === text ? bytes : undefined
}

function parseStanzas(text: string): Stanza[] {
  const stanzas: Stanza[] = []
  const lines = text.split('\n').slice(0, -1)
  for (let row = 0; row < lines.length; ) {
    const [arrow, type, ...args] = (lines[row++] as string).split(' ')
    if (arrow !== '->' || type === undefined || ![type, ...args].every(isArgument)) {
      throw malformed(`line ${row + 1} of its header begins no stanza`)
    }
    const body: Buffer[] = []
    for (let full = true; full; ) {
      const line = lines[row++]
      const bytes = line === undefined || line.length > COLUMNS ? undefined : unbase64(line)
      if (line === undefined || bytes === undefined) throw malformed(`line ${row + 1} of its header is no base64`)
      body.push(bytes)
      full = line.length === COLUMNS
    }
    stanzas.push({ type, args, body: Buffer.concat(body) })
  }
  if (stanzas.length === 0) throw malformed('its header names no recipient')
  return stanzas
}

function isArgument(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text)
}

function notAge(start: Buffer): string {
  if (start.toString('latin1', 0, ARMOR_START.length) === ARMOR_START) {
    return 'it is armored text; `age -d` opens it, or turn it into binary first'
  }
  const version = /^age-encryption\.org\/([\x21-\x7e]{1,40})\n/.exec(start.toString('latin1', 0, 64))?.[1]
  return version === undefined ? 'it is no age file' : `it is version ${version} of age, and only v1 is known here`
}

function malformed(why: string): SealError {
  return new SealError('malformed', `cannot open what is sealed: ${why}`)
}
