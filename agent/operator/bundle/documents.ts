import { z } from 'zod'
import type { Archive } from '../../store/store.ts'
import { cannot } from '../../words/cannot.ts'
import { tellable } from '../../words/printable.ts'
import { parseJson } from './json.ts'

/**
 * Largest manifest that is read, in bytes. A receipt takes some 600 bytes and a capture has a few hundred of them;
 * this holds 27,000, and is what a reader can hold several times in memory.
 */
export const DOCUMENT_BYTES = 16 * 1024 * 1024
/** Elements of a list that are looked at: more than fit into a manifest of honest receipts. */
export const MOST_LISTED = 20_000
/** Elements of any other list: recipients, problems, the segments of an artifact. */
const MOST_PARTS = 1000
/** What is wrong with single elements, of how many it is told. */
const TOLD = 3
/** Characters of an artifact's name that are told. */
const NAME = 200

/** A document's form, and what `faults` gets where a part of it cannot be used. Throws where nothing of it can. */
export type Reading<T> = (json: unknown, faults: string[]) => T

/** Reads an object of JSON. Foreign input: an error names the key and the place in it. */
export async function readDocument<T>(
  archive: Archive,
  key: string,
  reading: Reading<T>,
  faults: string[],
  signal: AbortSignal,
): Promise<T> {
  try {
    return reading(parseJson(await readBytes(archive, key, signal)), faults)
  } catch (error) {
    signal.throwIfAborted()
    throw cannot(`read ${key} of ${archive.url}`, error)
  }
}

/** The value, if it has the form. Throws what is wrong with it. */
export function checked<T>(schema: z.core.$ZodType<T>, value: unknown): T {
  // What is wrong with a list is kept for each of its elements.
  for (const [key, part] of Object.entries(value ?? {}))
    if (Array.isArray(part) && part.length > MOST_PARTS) throw new Error(`${key}: more than ${MOST_PARTS} elements`)
  const result = z.safeParse(schema, value)
  if (result.success) return result.data
  throw new Error(
    result.error.issues
      .slice(0, 3)
      .map(({ path, message }) => (path.length === 0 ? message : `${z.core.toDotPath(path)}: ${message}`))
      .join('; '),
  )
}

/** An object without one of its lists, and that list. Throws where it is none. */
export function apart(value: unknown, list: string): { readonly rest: object; readonly listed: readonly unknown[] } {
  const { [list]: listed, ...rest } = (value ?? {}) as Record<string, unknown>
  if (Array.isArray(listed)) return { rest, listed }
  throw new Error(`${list}: expected a list`)
}

/**
 * The elements of a list of `what` that have the form, each for itself: a bad one costs nothing but itself, and is a
 * fault, as are those beyond the `most` that are looked at.
 */
export function checkedEach<T>(
  what: string,
  schema: z.core.$ZodType<T>,
  list: readonly unknown[],
  faults: string[],
  most = MOST_LISTED,
): T[] {
  const good: T[] = []
  let bad = 0
  for (const [index, element] of list.slice(0, most).entries()) {
    try {
      good.push(checked(schema, element))
    } catch (error) {
      bad += 1
      if (bad <= TOLD) faults.push(cannot(`use ${what} ${index + 1}${nameIn(element)}`, error).message)
    }
  }
  if (bad > TOLD) faults.push(`cannot use ${bad - TOLD} more of ${list.length} ${what}s`)
  if (list.length > most) faults.push(`there are ${list.length} ${what}s, and those after ${most} are left out`)
  return good
}

/** Which artifact an element of a list is about, as far as it says. */
function nameIn(element: unknown): string {
  const { artifact } = (element ?? {}) as { readonly artifact?: unknown }
  return typeof artifact === 'string' ? ` (${tellable(artifact, NAME)})` : ''
}

/**
 * An object without those of its `optional` members that have not the form: each is a fault, and costs nothing but itself.
 */
export function spared(
  schemas: Readonly<Record<string, z.core.$ZodType>>,
  value: object,
  optional: readonly string[],
  faults: string[],
): object {
  const members = Object.entries(value).filter(([name, member]) => {
    const schema = optional.includes(name) ? schemas[name] : undefined
    try {
      if (schema !== undefined) checked(schema, member)
      return true
    } catch (error) {
      faults.push(cannot(`use its ${name}`, error).message)
      return false
    }
  })
  return Object.fromEntries(members)
}

/** An object's content, which must be no larger than a document may be. */
export async function readBytes(archive: Archive, key: string, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of await archive.read(key, 0, signal)) {
    bytes += chunk.length
    if (bytes > DOCUMENT_BYTES) throw new Error(`it is larger than ${DOCUMENT_BYTES} bytes, and so no manifest`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
