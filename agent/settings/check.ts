import { parse, TomlDate, TomlError } from 'smol-toml'
import * as z from 'zod/mini'
import { sentence } from '../words/cannot.ts'
import { describeKeys } from './json-schema.ts'
import { locate, type Path, type Position } from './locate.ts'
import { nearest } from './nearest.ts'
import { QUIET, schema } from './schema.ts'

/** What a layer says, as TOML says it: `{ deadline: '90s', seal: { recipients: […] } }`. */
export type Table = Readonly<Record<string, unknown>>

/** One thing that is wrong in a layer, with its place where there is one. */
export interface Fault {
  readonly position: Position | undefined
  readonly message: string
}

export interface Checked {
  readonly table: Table
  /** In the order of the text; with any, nothing of the layer may be used. */
  readonly faults: readonly Fault[]
}

/** Faults that one layer reports: enough to mend a file in one go, few enough for a manifest. */
const MAX_FAULTS = 20
/** What the parser says of text without quotes. */
const UNQUOTED = /numeric literal|invalid value|followed by an end-of-line/
/** Longest key that a message repeats. */
const SHOWN = 60

/** Reads one layer. Never throws: text that is no TOML or no settings comes back with its faults. */
export function checkLayer(text: string): Checked {
  try {
    const table = parse(text, { unsafeKeyBehaviour: 'throw' })
    const found = z.safeParse(schema, withoutDates(table), QUIET)
    return { table, faults: found.success ? [] : faultsOf(found.error.issues, text) }
  } catch (thrown) {
    return { table: {}, faults: [syntax(thrown)] }
  }
}

// To zod a Date is an object, and one without keys: as good as an empty table. No setting is a date.
function withoutDates(table: Table): Table {
  const date = Symbol('a date')
  return Object.fromEntries(
    Object.entries(table).map(([key, value]) => [key, value instanceof TomlDate ? date : value]),
  )
}

function syntax(thrown: unknown): Fault {
  if (!(thrown instanceof TomlError)) return { position: undefined, message: sentence(thrown) }
  // Only the sentence: the rest quotes lines of the file, and a file may hold what a log should not.
  const what = thrown.message.replace('Invalid TOML document: ', '').split('\n')[0]
  const advice = UNQUOTED.test(what ?? '') ? ' (text stands in quotes: deadline = "90s")' : ''
  return { position: { line: thrown.line, column: thrown.column }, message: `not TOML: ${what}${advice}` }
}

function faultsOf(issues: readonly z.core.$ZodIssue[], text: string): Fault[] {
  const known = issues.some(({ code }) => code === 'unrecognized_keys') ? knownNames() : []
  const wrong = issues.flatMap((issue): Wrong[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.slice(0, MAX_FAULTS).map((key) => unknown([...issue.path, key], known))
      : [{ path: issue.path, part: 'value', message: `${dotted(issue.path)}: ${issue.message}` }],
  )
  return wrong
    .slice(0, MAX_FAULTS)
    .map(({ path, part, message }) => ({ position: locate(text, path, part), message }))
    .sort((a, b) => order(a.position) - order(b.position))
}

interface Wrong {
  readonly path: Path
  readonly part: 'key' | 'value'
  readonly message: string
}

function unknown(path: Path, known: readonly string[]): Wrong {
  const key = dotted(path)
  const meant = nearest(key, known)
  const advice = meant === undefined ? '' : `: did you mean "${meant}"?`
  return {
    path,
    part: 'key',
    message: `unknown key ${JSON.stringify(key.length > SHOWN ? `${key.slice(0, SHOWN)}…` : key)}${advice}`,
  }
}

function knownNames(): string[] {
  const keys = describeKeys().map(({ key }) => key)
  const tables = keys.filter((key) => key.includes('.')).map((key) => key.slice(0, key.indexOf('.')))
  return [...keys, ...new Set(tables)]
}

/** `seal.recipients[2]` */
function dotted(path: Path): string {
  return path.reduce<string>((key, step) => {
    if (typeof step === 'number') return `${key}[${step}]`
    return key === '' ? String(step) : `${key}.${String(step)}`
  }, '')
}

const order = (position: Position | undefined): number =>
  position === undefined ? Number.POSITIVE_INFINITY : position.line * 2 ** 21 + position.column
