import * as z from 'zod/mini'
import { sentence } from '../words/cannot.ts'
import { DURATION, formatBytes, formatDuration, parseBytes, parseDuration, SIZE } from '../words/units.ts'

/**
 * The kinds of settings there are. Each says what it expects and what it found, in the same words. What is not given
 * takes the default in the spelling of the file, so that the JSON Schema shows it as people write it.
 */

/** What each key is for. Kept out of zod's global registry, which is shared. */
export const descriptions = z.registry<{ description: string }>()

interface Range<T> {
  readonly least: T
  readonly most: T
}

/** A table of keys. Keys that are not in `shape` are errors. */
export function table<const Shape extends z.core.$ZodLooseShape>(description: string, shape: Shape) {
  const whole = z.strictObject(shape, error('a table'))
  const absent = {} as z.core.input<typeof whole>
  return describe(z.prefault(whole, absent), description)
}

/**
 * Text of a shape; `expected` describes the shape in messages. `verify` throws what is wrong with text that has the
 * shape, for what a shape cannot tell.
 */
export function text(description: string, shape: RegExp, expected: string, verify: (text: string) => void = () => {}) {
  const wrong = error(expected, (input) => (typeof input === 'number' ? ': text needs quotes' : ''))
  const shaped = z.string(wrong).check(z.regex(shape, { ...wrong, abort: true }))
  return describe(shaped.check(z.check((payload) => attempt(payload, verify))), description)
}

/** Text of a shape that has a default. */
export function textOr(fallback: string, description: string, shape: RegExp, expected: string) {
  return describe(z._default(text(description, shape, expected), fallback), description)
}

function attempt(payload: z.core.ParsePayload<string>, verify: (text: string) => void): void {
  try {
    verify(payload.value)
  } catch (thrown) {
    payload.issues.push({ code: 'custom', message: sentence(thrown), input: payload.value })
  }
}

/** One of a few words. */
export function choice<const Word extends string>(
  description: string,
  words: readonly Word[],
  fallback: NoInfer<Word>,
) {
  const expected = words.map((word) => `"${word}"`).join(' or ')
  return describe(z._default(z.enum(words, error(expected)), fallback as z.core.util.NoUndefined<Word>), description)
}

/** A whole number within a range, both ends included. */
export function whole(description: string, { least, most }: Range<number>, fallback: number) {
  const wrong = error(`a whole number from ${least} to ${most}`)
  return describe(z._default(z.int(wrong).check(z.gte(least, wrong), z.lte(most, wrong)), fallback), description)
}

/** An array of at most `most` texts; a later layer replaces it as a whole. */
export function list(description: string, item: z.ZodMiniString, most: number, fallback: string[]) {
  const tooMany = {
    error: ({ input }: z.core.$ZodRawIssue) =>
      `expected at most ${most} entries, found ${Array.isArray(input) ? input.length : 'more'}`,
  }
  const items = z.array(item, error('an array of strings')).check(z.maxLength(most, tooMany))
  return describe(z.prefault(items, fallback), description)
}

/** A table of texts under keys of the builder's own; a later layer replaces them one by one, so there is no bound on how many. */
export function texts(description: string, key: z.ZodMiniString, value: z.ZodMiniString) {
  const { error: noTable } = error('a table of texts')
  const wrong = (issue: z.core.$ZodRawIssue) =>
    issue.code === 'invalid_key' ? `its name is no such: ${issue.issues[0]?.message}` : noTable(issue)
  return describe(z.prefault(z.record(key, value, { error: wrong }), {}), description)
}

/** A duration within a range; in the file with its unit, in the code milliseconds. */
export function duration(description: string, range: Range<string>, fallback: string) {
  return quantity(description, 'duration', DURATION, { parse: parseDuration, format: formatDuration }, range, fallback)
}

/** A size within a range; in the file with its unit, in the code bytes. */
export function size(description: string, range: Range<string>, fallback: string) {
  return quantity(description, 'size', SIZE, { parse: parseBytes, format: formatBytes }, range, fallback)
}

function quantity(
  description: string,
  kind: string,
  shape: RegExp,
  unit: { parse(text: string): number; format(value: number): string },
  { least, most }: Range<string>,
  fallback: string,
) {
  const suffix = fallback.replace(/^[\d.]+/, '')
  const spelling = error(`a ${kind} with its unit, such as "${fallback}"`, (input) =>
    (typeof input === 'number' || typeof input === 'string') && /^\d+(\.\d+)?$/.test(`${input}`)
      ? `: write "${input}${suffix}"`
      : '',
  )
  const range = {
    error: ({ input }: z.core.$ZodRawIssue) =>
      `expected a ${kind} from "${least}" to "${most}", found "${unit.format(Number(input))}"`,
  }
  const spelt = z.string(spelling).check(z.regex(shape, spelling))
  const counted = z.number().check(z.gte(unit.parse(least), range), z.lte(unit.parse(most), range))
  const value = z.pipe(spelt, z.pipe(z.transform(unit.parse), counted))
  return describe(z.prefault(value, fallback), `${description} From ${least} to ${most}.`)
}

function describe<Schema extends z.core.$ZodType>(schema: Schema, description: string): Schema {
  descriptions.add(schema, { description })
  return schema
}

function error(expected: string, hint: (input: unknown) => string = () => '') {
  return { error: ({ input }: z.core.$ZodRawIssue) => `expected ${expected}, found ${found(input)}${hint(input)}` }
}

/** Longest piece of a wrong value that a message repeats. */
const SHOWN = 60

/** A value as a message may show it. A private key, or credentials in a URL, pasted in the wrong place stay out of logs. */
export function found(value: unknown): string {
  if (typeof value === 'string') {
    if (/AGE-SECRET-KEY-/i.test(value)) return 'a secret key: it belongs to whoever opens bundles, never on a host'
    if (/:\/\/[^/]*@/.test(value)) return 'a URL with credentials in it (not shown)'
    return JSON.stringify(value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value)
  }
  if (typeof value === 'number') return `the number ${value}`
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'symbol') return value.description ?? 'something else'
  if (value instanceof Date) return 'a date'
  return Array.isArray(value) ? 'an array' : 'a table'
}
