import { LISTED } from '../words/details.ts'
import { tellable } from '../words/printable.ts'
import { isSize, whole } from './read-fields.ts'

/** What a field may be: a text of so many characters, one of some words, a number, a duration, bytes, a yes or no, or what a reading makes of it. */
export type Kind = number | readonly string[] | 'number' | 'duration' | 'size' | 'flag' | Reading

/** What there is of a value; undefined where it is not what it should be. */
export type Reading = (value: unknown) => unknown

/** A value as its kind has it: text is cut and made plain. Undefined where it is of another. */
export function read(kind: Kind, value: unknown): unknown {
  if (typeof kind === 'function') return kind(value)
  if (typeof kind === 'number') return typeof value === 'string' ? tellable(value, kind) : undefined
  if (kind === 'number') return Number.isFinite(value) ? value : undefined
  if (kind === 'duration') return isSize(value) ? value : undefined
  if (kind === 'size') return isSize(value) ? whole(value) : undefined
  if (kind === 'flag') return typeof value === 'boolean' ? value : undefined
  return kind.includes(value as string) ? value : undefined
}

/** The elements of a list that are what they should be, LISTED at most. */
export const listOf =
  (kind: Kind): Reading =>
  (value) =>
    Array.isArray(value)
      ? value
          .slice(0, LISTED)
          .map((element) => read(kind, element))
          .filter((element) => element !== undefined)
      : undefined

/** The members that are known and are what they should be; undefined where one is not that is `needed`. */
export const recordOf =
  (members: Readonly<Record<string, Kind>>, needed: readonly string[]): Reading =>
  (value) => {
    if (typeof value !== 'object' || value === null) return undefined
    const known = Object.entries(members).map(([name, kind]) => [name, read(kind, (value as never)[name])] as const)
    const record = Object.fromEntries(known.filter(([, member]) => member !== undefined))
    return needed.every((name) => name in record) ? record : undefined
  }

/** One of several records, by the word that its member `by` is. */
export const oneOf =
  (by: string, records: Readonly<Record<string, Reading>>): Reading =>
  (value) => {
    const word = (value as Readonly<Record<string, unknown>> | null | undefined)?.[by]
    return typeof word === 'string' && Object.hasOwn(records, word) ? records[word]?.(value) : undefined
  }
