import * as z from 'zod/mini'
import { sentence } from '../words/cannot.ts'
import { assignmentText } from './assignment.ts'
import { checkLayer, type Table } from './check.ts'
import { findLayers, type LayerFile, type Origin, readLayer } from './files.ts'
import type { Position } from './locate.ts'
import { complete, QUIET, type Settings, schema } from './schema.ts'

export type { Origin } from './files.ts'

/** Where settings are looked for. */
export interface SettingsFrom {
  /** `/` on a host; a directory that looks like it in tests. */
  readonly root: string
  /** What systemd put into `$CREDENTIALS_DIRECTORY`. */
  readonly credentialsDirectory?: string | undefined
  /** `table.key=value`, as after `--set` on the command line. */
  readonly set?: readonly string[] | undefined
}

export interface Layer {
  readonly origin: Origin
  /** Path of the file, or `--set key`. */
  readonly path: string
  /** `masked`: a stronger directory has a file of this name, which is read in its place. */
  readonly status: 'used' | 'masked' | 'broken'
}

/** One thing wrong with one layer. */
export interface Problem {
  readonly origin: Origin
  readonly path: string
  /** From 1; undefined where the whole file is at fault. */
  readonly line: number | undefined
  readonly column: number | undefined
  /** All of it as a sentence, with path, line and column in front. */
  readonly message: string
}

export interface Loaded {
  readonly settings: Settings
  /** Weakest first. */
  readonly layers: readonly Layer[]
  /** Empty when every layer was read; otherwise less may leave: see SETTINGS.md. */
  readonly problems: readonly Problem[]
  /** Path of the layer that set a key (`seal.recipients`); keys that are at their default are not in it. */
  readonly provenance: ReadonlyMap<string, string>
}

/**
 * The settings of a host, from all layers. Never rejects: a layer that is broken, or not read before `signal` ends, is
 * left out and told in `problems`, and closes what it may have closed.
 */
export async function loadSettings(from: SettingsFrom, signal: AbortSignal): Promise<Loaded> {
  const files = await findLayers(from.root, from.credentialsDirectory, signal)
  // All at once, so that one that hangs costs its own content and no other's.
  const read = await Promise.all(files.map((file) => readFileLayer(file, signal)))
  return combine([...read, ...(from.set ?? []).map(setLayer)])
}

type Place = Pick<Layer, 'origin' | 'path'>

interface Read {
  readonly layer: Layer
  readonly table: Table
  readonly problems: readonly Problem[]
}

async function readFileLayer({ origin, path, masked, failure }: LayerFile, signal: AbortSignal): Promise<Read> {
  const place = { origin, path }
  if (masked) return { layer: { ...place, status: 'masked' }, table: {}, problems: [] }
  try {
    if (failure !== undefined) throw failure
    const { table, faults } = checkLayer(await readLayer(path, signal))
    return judged(
      place,
      table,
      faults.map(({ message, position }) => problem(place, message, position)),
    )
  } catch (thrown) {
    return judged(place, {}, [problem(place, `cannot be read: ${sentence(thrown)}`)])
  }
}

function setLayer(assignment: string): Read {
  const place = { origin: 'command line', path: `--set ${assignment.split('=', 1)[0]?.trim()}` } as const
  try {
    const { table, faults } = checkLayer(assignmentText(assignment))
    return judged(
      place,
      table,
      faults.map(({ message }) => problem(place, message)),
    )
  } catch (thrown) {
    return judged(place, {}, [problem(place, sentence(thrown))])
  }
}

function judged(place: Place, table: Table, problems: readonly Problem[]): Read {
  if (problems.length === 0) return { layer: { ...place, status: 'used' }, table, problems }
  return { layer: { ...place, status: 'broken' }, table: {}, problems }
}

function problem(place: Place, message: string, at?: Position): Problem {
  const where = at === undefined ? '' : `:${at.line}:${at.column}`
  return { ...place, line: at?.line, column: at?.column, message: `${place.path}${where}: ${message}` }
}

function combine(read: readonly Read[]): Loaded {
  const merged: Record<string, unknown> = {}
  const provenance = new Map<string, string>()
  for (const { table, layer } of read) {
    for (const [key, value] of Object.entries(table)) {
      merged[key] = isTable(value) ? { ...(merged[key] as Table | undefined), ...value } : value
      const keys = isTable(value) ? Object.keys(value).map((name) => `${key}.${name}`) : [key]
      for (const name of keys) provenance.set(name, layer.path)
    }
  }
  const problems = read.flatMap((one) => one.problems)
  // Each layer has passed the schema key by key, and no rule spans keys: what they make together passes too.
  const parsed = z.parse(schema, merged, QUIET)
  return {
    settings: complete(parsed, brokenBy(problems)),
    layers: read.map(({ layer }) => layer),
    problems,
    provenance,
  }
}

function brokenBy(problems: readonly Problem[]): string | undefined {
  const [first] = problems
  if (first === undefined) return undefined
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''
  return `${first.message}${more}`
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
