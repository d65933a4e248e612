import type { InventoryGap } from '../../../words/evidence.ts'
import { parseSelector } from '../../../words/selector.ts'
import { clearance } from '../../clearance.ts'
import type { System } from '../../host/ffi.ts'
import { canTrace } from '../../live-core/preflight.ts'
import { select } from '../../processes/select.ts'
import type { Found, Inventory, Source, SourceContext } from '../source.ts'
import { readStacks } from './read-stacks.ts'
import { CAPS } from './request.ts'

/** For the estimate, as measured: a small process's core, and what each further thread adds. Mostly pages that repeat. */
const PROCESS_BYTES = 320 * 1024
const THREAD_BYTES = 24 * 1024
const RATIO = 0.12
/** Of the tables alone: a line in each. */
const LINE_BYTES = 1024
const TEXT_RATIO = 0.2
/** Right after the facts: no other artifact tells as much in as few bytes. */
const VALUE = 950
/**
 * Threads of thousands are looked at twice, and nothing comes of it meanwhile: on a slow host that takes a while. Each read is bounded by itself, so one
 * that hangs costs no more than that; the longest time that applications may wait for it is two minutes (`hold.wait`).
 */
const PATIENCE_MS = 60_000

/**
 * Where every thread of the chosen processes stands: a table, and a core of the stacks for each process, in one tar:
 * STACKS.md. Where nobody can be traced, the table alone. Where class `memory` may not leave, the table alone too; the stacks are kept for
 * the traces all the same.
 */
export function stacksSource(system: System): Source {
  return {
    name: 'stacks',
    open: (context) => ({ inventory: (ms, signal) => inventory(system, context, ms, signal) }),
  }
}

async function inventory(
  system: System,
  { root, settings, patients, kept }: SourceContext,
  ms: number,
  signal: AbortSignal,
): Promise<Inventory> {
  const { processes: wished, interval } = settings.stacks
  const cleared = clearance('memory', settings.seal)
  const isWished = settings.traces === 'all'
  const closed = cleared.kind === 'closed' && settings.seal.broken === undefined ? cleared.reason : undefined
  // Who names no recipient has chosen that memory stays; where functions stand is text.
  if (closed !== undefined && !isWished) return { found: [], gaps: [gap('skipped', closed)] }
  if (wished.length === 0) return { found: [], gaps: [gap('skipped', 'stacks.processes names none')] }
  const { processes, troubled, lack } = await patients.survey(ms, signal)
  const { chosen, reasons } = select(processes, wished.map(parseSelector), troubled)
  const gaps = [
    ...(closed === undefined ? [] : [gap('skipped', closed)]),
    ...(lack === undefined ? [] : [gap('failed', lack)]),
  ]
  if (chosen.length === 0) {
    // What could not be read is not absent.
    return { found: [], gaps: gaps.length > 0 ? gaps : [gap('absent', reasons.join('; ') || 'none was meant')] }
  }
  const threads = chosen.reduce((sum, process) => sum + process.threads, 0)
  const preflight = canTrace(system, root)
  const keeper = isWished ? kept : undefined
  const request = { root, system, patients, chosen, troubled, preflight, caps: CAPS, kept: keeper }
  const common = {
    ...({ source: 'stacks', phase: 'live', encoding: 'frames' } as const),
    value: VALUE,
    patience: PATIENCE_MS,
    identity: { threads, details: { source: 'stacks', processes: chosen.length } as const },
  }
  const stacks: Found = {
    ...{ ...common, id: 'stacks', name: 'stacks.tar.zst', class: 'memory', ratio: RATIO },
    bytes: chosen.length * PROCESS_BYTES + threads * THREAD_BYTES,
    open: async (limit, abort) => readStacks({ ...request, interval, limit, gives: true }, abort),
  }
  // Nobody is held for a second look: the traces have it, when applications were let go.
  const tables: Found = {
    ...{ ...common, id: 'threads', name: 'threads.tar.zst', class: 'text', ratio: TEXT_RATIO },
    bytes: threads * LINE_BYTES,
    open: async (limit, abort) => readStacks({ ...request, interval, limit, gives: false }, abort),
  }
  if (cleared.kind !== 'closed') return { found: [stacks], gaps }
  return { found: [...(closed === undefined ? [stacks] : []), ...(isWished ? [tables] : [])], gaps }
}

function gap(status: InventoryGap['status'], reason: string): InventoryGap {
  return { source: 'stacks', class: 'memory', status, reason }
}
