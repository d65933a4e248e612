import { createHash } from 'node:crypto'
import { ARTIFACT_NAME_BYTES } from '../../../bundle/keys.ts'

/** What a key has as it is; `@` and `~` are ours: they stand before an offset and before a hash. */
const PLAIN = /[A-Za-z0-9_.:+=,-]/
/** Of a part: below the 255 bytes of a file's name, with all suffixes, where the store is a directory. */
const PART_BYTES = 200
/** Hex digits that stand for what was cut. */
const HASH = 16
const FOLDER = 'files/'
const SUFFIX = '.zst'

/**
 * The artifact's name of a file by its path (a character for each byte): each part percent-encoded where it is not plain or begins with a dot. A
 * part or a path that would be too long ends in `~` and a hash of all of it. `from`: of a piece that begins at that byte.
 */
export function artifactName(path: string, from?: number): string {
  const piece = from === undefined ? '' : `@${from}`
  const parts = path
    .slice(1)
    .split('/')
    .map((part) => cut(encoded(part), PART_BYTES, part))
  return (
    FOLDER +
    cut(parts.join('/'), ARTIFACT_NAME_BYTES - FOLDER.length - piece.length - SUFFIX.length, path) +
    piece +
    SUFFIX
  )
}

function encoded(part: string): string {
  return Array.from(part, (one, at) => (PLAIN.test(one) && !(at === 0 && one === '.') ? one : hex(one))).join('')
}

const hex = (one: string) => `%${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`

/** No escape is left in halves, and no part without a name. */
function cut(text: string, most: number, whole: string): string {
  if (text.length <= most) return text
  const kept = text.slice(0, most - HASH - 1).replace(/%.?$/, '')
  return `${kept}~${createHash('sha256').update(whole, 'latin1').digest('hex').slice(0, HASH)}`
}
