import { cannot } from '../words/cannot.ts'
import { PART_BYTES } from './part-bytes.ts'
import { StoreError } from './store.ts'

/** S3's limit: part numbers go from 1 to 10,000. */
export const LAST_PART = 10_000

/** Throws a permanent StoreError unless this can be a part: 1..10,000 and 1..PART_BYTES bytes. */
export function checkPart(key: string, number: number, body: Buffer): void {
  const numbered = Number.isInteger(number) && number >= 1 && number <= LAST_PART
  if (numbered && body.length >= 1 && body.length <= PART_BYTES) return
  const why = `parts are numbered 1 to ${LAST_PART} and hold 1 to ${PART_BYTES} bytes`
  throw new StoreError('permanent', cannot(`send part ${number} (${body.length} bytes) of ${key}`, why).message)
}

/**
 * How many of the parts that arrived (bytes by number) make an object: 1..n without a gap, and nothing after a short
 * one, for only the last part may be short.
 */
export function leadingParts(arrived: ReadonlyMap<number, number>): { readonly count: number; readonly bytes: number } {
  let count = 0
  let bytes = 0
  for (;;) {
    const next = arrived.get(count + 1)
    if (next === undefined) return { count, bytes }
    count += 1
    bytes += next
    if (next < PART_BYTES) return { count, bytes }
  }
}
