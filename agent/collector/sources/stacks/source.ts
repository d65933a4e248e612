import type { InventoryGap } from '../../../words/evidence.ts'
import { parseSelector } from '../../../words/selector.ts'
import { unasked } from '../../clearance.ts'
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
/** Right after the facts: no other artifact tells as much in as few bytes. */
const VALUE = 950
/**
 * Threads of thousands are looked at twice, and nothing comes of it meanwhile: on a slow host that takes a while. Each read is bounded by itself, so one
 * that hangs costs no more than that; the longest time that applications may wait for it is two minutes (`hold.wait`).
 */
const PATIENCE_MS = 60_000

/**
 * Where every thread of the chosen processes stands: a table, and a core of the stacks for each process, in one tar:
 * STACKS.md. Where nobody can be traced, the table alone.
 */
export function stacksSource(system: System): Source {
  return {
    name: 'stacks',
    open: (context) => ({ inventory: (ms, signal) => inventory(system, context, ms, signal) }),
  }
}

async function inventory(
  system: System,
  { root, settings, patients }: SourceContext,
  ms: number,
  signal: AbortSignal,
): Promise<Inventory> {
  const { processes: wished, interval } = settings.stacks
  const closed = unasked(settings.seal)
  if (closed !== undefined) return { found: [], gaps: [gap('skipped', closed)] }
  if (wished.length === 0) return { found: [], gaps: [gap('skipped', 'stacks.processes names none')] }
  const { processes, troubled, lack } = await patients.survey(ms, signal)
  const { chosen, reasons } = select(processes, wished.map(parseSelector), troubled)
  const gaps = lack === undefined ? [] : [gap('failed', lack)]
  if (chosen.length === 0) {
    // What could not be read is not absent.
    return { found: [], gaps: lack === undefined ? [gap('absent', reasons.join('; ') || 'none was meant')] : gaps }
  }
  const threads = chosen.reduce((sum, process) => sum + process.threads, 0)
  const preflight = canTrace(system, root)
  const found: Found = {
    ...({ id: 'stacks', source: 'stacks', class: 'memory', phase: 'live', encoding: 'frames' } as const),
    name: 'stacks.tar.zst',
    bytes: chosen.length * PROCESS_BYTES + threads * THREAD_BYTES,
    ratio: RATIO,
    value: VALUE,
    patience: PATIENCE_MS,
    identity: { threads, details: { source: 'stacks', processes: chosen.length } },
    open: async (limit: number, abort: AbortSignal) =>
      readStacks({ root, system, patients, chosen, troubled, preflight, interval, limit, caps: CAPS }, abort),
  }
  return { found: [found], gaps }
}

function gap(status: InventoryGap['status'], reason: string): InventoryGap {
  return { source: 'stacks', class: 'memory', status, reason }
}
