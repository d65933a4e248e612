import { cannot } from '../words/cannot.ts'
import { StoreError } from './store.ts'

/** S3's limit, in bytes of UTF-8 (Amazon S3 User Guide, "Naming Amazon S3 objects"). */
const KEY_BYTES = 1024
/** Where the directory store keeps what is not an object yet. */
export const UPLOADS = '.uploads'

/**
 * Throws a permanent StoreError unless `key` means the same object in a bucket and below a directory: parts between
 * single slashes, none of them `.` or `..`, no control characters (XML 1.0 cannot list them), not below `.uploads`.
 */
export function checkKey(key: string): void {
  const why = fault(key)
  if (why !== undefined) throw new StoreError('permanent', cannot(`use the key ${JSON.stringify(key)}`, why).message)
}

function fault(key: string): string | undefined {
  const names = key.split('/')
  if (names.some((name) => name === '' || name === '.' || name === '..')) return 'a part of it is empty, "." or ".."'
  if (names[0] === UPLOADS) return `${UPLOADS} holds unfinished uploads`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(key)) return 'it contains a control character'
  if (!key.isWellFormed()) return 'it is not well-formed Unicode'
  if (Buffer.byteLength(key) > KEY_BYTES) return `it is longer than ${KEY_BYTES} bytes`
  return undefined
}
