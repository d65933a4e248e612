import { once } from 'node:events'
import type { InventoryGap } from '../../../words/evidence.ts'
import { parseSelector } from '../../../words/selector.ts'
import type { LoggedCrash } from '../../crashed-cores/logged-crashes.ts'
import type { HungThread } from '../../processes/hangs.ts'
import { select } from '../../processes/select.ts'
import type { Found, Inventory, Source, SourceContext } from '../source.ts'
import { type Crashes, findCrashes } from './find-crashes.ts'
import { readTraces } from './read-traces.ts'

/** For the estimate, as measured: text and JSON of a process, and what each further thread adds. */
const PROCESS_BYTES = 8 * 1024
const THREAD_BYTES = 2 * 1024
const CRASH_BYTES = 32 * 1024
const RATIO = 0.15
/** Before all else that is stored: no core tells as much in as few bytes. */
const VALUE = 950
/** Each process and core is bounded by itself; on a slow host nothing comes of it for a while. */
const PATIENCE_MS = 60_000

/**
 * The stacks that are kept of living processes, and those of crashed ones, as text with names of functions: TRACES.md. Class `text`: it holds no
 * argument and no variable.
 */
export function tracesSource(): Source {
  return {
    name: 'traces',
    open(context) {
      const told = new Set<string>()
      return {
        inventory: (ms, signal) => inventory(context, told, ms, signal),
        comesUp: (ms, stop, signal) => lateCrashes(context, told, ms, stop, signal),
      }
    },
  }
}

async function inventory(
  context: SourceContext,
  told: Set<string>,
  ms: number,
  signal: AbortSignal,
): Promise<Inventory> {
  if (context.settings.traces === 'none') return { found: [], gaps: [gap('skipped', 'traces = "none"')] }
  const crashed = await findCrashes(context, ms, signal)
  for (const id of idsOf(crashed)) told.add(id)
  const { processes, threads, hangs, lack } = await living(context, ms, signal)
  const gaps = lack === undefined ? [] : [gap('failed', lack)]
  if (countOf(crashed) + processes === 0) {
    return {
      found: [],
      gaps: gaps.length > 0 ? gaps : [gap('absent', 'no process was meant, and none has left a core')],
    }
  }
  return { found: [item(context, 'traces', crashed, { processes, threads, hangs })], gaps }
}

/**
 * Crashes that were not there at the inventory: those whose cores the kernel has handed over, and what systemd-coredump was still writing, which is
 * there at the end.
 */
async function* lateCrashes(
  context: SourceContext,
  told: ReadonlySet<string>,
  ms: number,
  stop: AbortSignal,
  signal: AbortSignal,
): AsyncGenerator<Inventory, void, void> {
  if (context.settings.traces === 'none' || context.before !== undefined) return
  const ended = AbortSignal.any([stop, signal])
  if (!ended.aborted) await once(ended, 'abort')
  signal.throwIfAborted()
  const { cores, logged } = await findCrashes(context, ms, signal)
  const isLate = (id: string) => !told.has(id)
  const late = { cores: cores.filter(({ id }) => isLate(id)), logged: logged.filter((one) => isLate(idOf(one))) }
  const { untold, lacks } = context.crashes
  if (countOf(late) + untold.length + lacks.size > 0)
    yield { found: [item(context, 'traces-late', late, { processes: 0, threads: 0, hangs: [] })], gaps: [] }
}

/** What tells crashes from those that were found before. */
const idsOf = ({ cores, logged }: Crashes) => [...cores.map(({ id }) => id), ...logged.map(idOf)]
const idOf = ({ core, pid, at }: LoggedCrash) => core ?? `logged ${pid} ${at}`
const countOf = ({ cores, logged }: Crashes) => cores.length + logged.length

function item(
  { root, kept, crashes: handed }: SourceContext,
  id: string,
  crashed: Crashes,
  { processes, threads, hangs }: Living,
): Found {
  const count = countOf(crashed) + handed.untold.length
  return {
    ...({ id, source: 'traces', class: 'text', phase: 'stored', encoding: 'frames' } as const),
    name: `${id}.tar.zst`,
    bytes: processes * PROCESS_BYTES + threads * THREAD_BYTES + count * CRASH_BYTES,
    ratio: RATIO,
    value: VALUE,
    patience: PATIENCE_MS,
    identity: { details: { source: 'traces', processes, crashed: count } },
    open: async (limit, abort) =>
      readTraces({ root, kept: processes > 0 ? kept : undefined, crashed, handed, hangs, limit }, abort),
  }
}

/** Living processes that are to be told of, and who of all hangs. */
interface Living {
  readonly processes: number
  readonly threads: number
  readonly hangs: readonly HungThread[]
}

/** How many processes are to be told of: those whose stacks are taken. Where nobody is stopped, there are none. */
async function living({ settings, patients, occasion }: SourceContext, ms: number, signal: AbortSignal) {
  const none = { processes: 0, threads: 0, hangs: [], lack: undefined }
  const isTaken = occasion.boot === 'this' && occasion.trigger !== 'notice'
  if (!isTaken || settings.traces !== 'all' || settings.stacks.processes.length === 0) return none
  const { processes, troubled, hangs, lack } = await patients.survey(ms, signal)
  const { chosen } = select(processes, settings.stacks.processes.map(parseSelector), troubled)
  return { processes: chosen.length, threads: chosen.reduce((sum, { threads }) => sum + threads, 0), hangs, lack }
}

function gap(status: InventoryGap['status'], reason: string): InventoryGap {
  return { source: 'traces', class: 'text', status, reason }
}
