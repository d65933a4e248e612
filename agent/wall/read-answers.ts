import { CLASS_OF, type InventoryGap } from '../bundle/evidence.ts'
import { KINDS } from '../bundle/keys.ts'
import type { Finding } from '../bundle/schema.ts'
import { cannot } from '../cannot.ts'
import type { ListedItem, Taken } from './answers.ts'

/**
 * What the collector answered, held against what PROTOCOL.md promises: names become keys and numbers become plans, so
 * they are looked at before the daemon believes them. Throw where something is not as promised.
 */

type Json = Readonly<Record<string, unknown>>

/** A key below a bundle's prefix: no empty, `.` or `..` segment, nothing that a store, a shell or a URL takes apart. */
const NAME = /^(?!.*(^|\/)\.{1,2}(\/|$))[\w.@:+=,~-]+(\/[\w.@:+=,~-]+)*$/
const NAME_BYTES = 512

export function readListedItem(value: unknown): ListedItem {
  const item = record(value, 'item')
  const { name, source, phase, encoding, closed, patience, holes } = item
  must(typeof item.id === 'string' && item.id.length <= NAME_BYTES, 'id')
  must(typeof name === 'string' && name.length <= NAME_BYTES && NAME.test(name), 'name')
  must(typeof source === 'string' && source in CLASS_OF, 'source')
  must(isClass(item.class), 'class')
  must(phase === 'facts' || phase === 'live' || phase === 'stored', 'phase')
  must(encoding === 'frames' || encoding === 'as-is', 'encoding')
  must(isSize(item.bytes) && isSize(item.ratio) && isSize(item.value), 'bytes, ratio or value')
  must(holes === undefined || isSize(holes), 'holes')
  must(patience === undefined || isSize(patience), 'patience')
  must(typeof item.sealed === 'boolean', 'sealed')
  must(closed === undefined || typeof closed === 'string', 'closed')
  record(item.identity, 'identity')
  return value as ListedItem
}

export function readGap(value: unknown): InventoryGap {
  const { source, class: of, status, reason } = record(value, 'gap')
  must(typeof source === 'string' && source in CLASS_OF, 'source')
  must(isClass(of) && (status === 'absent' || status === 'failed' || status === 'skipped'), 'class or status')
  must(typeof reason === 'string', 'reason')
  return value as InventoryGap
}

export function readFinding(value: unknown): Finding {
  const { kind, certainty, boot, subject, signal, at, late, count, sentence, evidence } = record(value, 'finding')
  must(isOneOf(KINDS, kind) && isOneOf(['sure', 'likely', 'claimed'], certainty), 'kind or certainty')
  must(isOneOf(['this', 'earlier', 'unknown'], boot) && isOptional(late, 'boolean'), 'boot or late')
  must(
    [signal, at, count].every((number) => number === undefined || isSize(number)),
    'signal, at or count',
  )
  must(isWord(sentence), 'sentence')
  const { unit, exe, comm, pid, uid, container } = record(subject, 'subject')
  must(
    [unit, exe, comm, container].every((word) => word === undefined || isWord(word)),
    'subject',
  )
  must(
    [pid, uid].every((id) => id === undefined || isSize(id)),
    'pid or uid',
  )
  must(Array.isArray(evidence) && evidence.length <= MOST_PLACES, 'evidence')
  for (const place of evidence) {
    const { artifact, entry } = record(place, 'evidence')
    must(isWord(artifact) && (entry === undefined || isWord(entry)), 'evidence')
  }
  return value as Finding
}

/** Witnesses of one death, and cores of it: more than there are kinds of. */
const MOST_PLACES = 16
/** Characters of a name or a sentence: a path is at most 4096 bytes. */
const MOST_CHARACTERS = 8192
const isWord = (value: unknown): value is string => typeof value === 'string' && value.length <= MOST_CHARACTERS
const isOptional = (value: unknown, type: 'boolean') => value === undefined || typeof value === type
const isOneOf = (all: readonly string[], value: unknown) => typeof value === 'string' && all.includes(value)

export function readTaken(value: Json): Taken {
  const { bytesIn, ms, frames, truncated, identity } = value
  must(isSize(bytesIn) && isSize(ms) && (frames === undefined || isSize(frames)), 'bytesIn, ms or frames')
  must(truncated === undefined || typeof truncated === 'string', 'truncated')
  if (identity !== undefined) record(identity, 'identity')
  return value as unknown as Taken
}

const isClass = (value: unknown) => value === 'open' || value === 'text' || value === 'memory'
const isSize = (value: unknown) => typeof value === 'number' && Number.isFinite(value) && value >= 0

function record(value: unknown, what: string): Json {
  must(typeof value === 'object' && value !== null && !Array.isArray(value), what)
  return value as Json
}

function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw cannot('trust the collector', `its ${what} is not as the protocol has it`)
}
