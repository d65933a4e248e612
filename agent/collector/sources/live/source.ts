import type { InventoryGap } from '../../../words/evidence.ts'
import { parseSelector } from '../../../words/selector.ts'
import { formatBytes } from '../../../words/units.ts'
import { unasked } from '../../clearance.ts'
import type { System } from '../../host/ffi.ts'
import { bootTime } from '../../host/this-boot.ts'
import { canGcore } from '../../live-core/gcore.ts'
import { canTrace } from '../../live-core/preflight.ts'
import type { HostProcess } from '../../processes/host-process.ts'
import { select } from '../../processes/select.ts'
import type { Inventory, Source, SourceContext } from '../source.ts'
import { liveItem } from './item.ts'

/** Below the stacks; processes in trouble before large ones. */
const VALUE = { troubled: 800, other: 500 } as const

/** A full core of each chosen process, read from the living: no disk, and nothing in it that was not there before. */
export function liveSource(system: System): Source {
  return {
    name: 'live',
    open: (context) => ({ inventory: (ms, signal) => inventory(system, context, ms, signal) }),
  }
}

async function inventory(
  system: System,
  { root, settings, patients }: SourceContext,
  ms: number,
  signal: AbortSignal,
): Promise<Inventory> {
  const { when, cores, with: by, freeze, standstill, limit } = settings.live
  const closed = unasked(settings.seal)
  if (closed !== undefined) return { found: [], gaps: [gap('skipped', closed)] }
  if (when === 'never') return { found: [], gaps: [gap('skipped', 'live.when is "never"')] }
  if (cores.length === 0) return { found: [], gaps: [gap('skipped', 'live.cores names none')] }
  const { processes, troubled, unlearnt, lack } = await patients.survey(ms, signal)
  const { chosen, reasons } = select(processes, cores.map(parseSelector), troubled)
  const gaps = lack === undefined ? [] : [gap('failed', lack)]
  if (chosen.length === 0) {
    const none = [`no process is meant by ${cores.join(', ')}`, ...(cores.includes('failed') ? unlearnt : [])]
    const why = (reasons.length > 0 ? reasons : none).join('; ')
    // What could not be read is not absent.
    return { found: [], gaps: lack === undefined ? [gap('absent', why)] : gaps }
  }
  const preflight = by === 'gcore' ? canGcore(root) : canTrace(system, root)
  if (!preflight.ok) {
    const reason = `no core of ${chosen.map(nameOf).join(', ')}: ${preflight.reason}`
    return { found: [], gaps: [...gaps, gap('failed', reason)] }
  }
  const { taken, left } = within(chosen, limit)
  const booted = await bootTime(root, signal)
  const found = taken.map((process) => {
    const trouble = troubled.get(process.pid)
    const value = trouble === undefined ? VALUE.other : VALUE.troubled
    return liveItem({ root, system, patients, process, booted, trouble, when, by, freeze, standstill }, value)
  })
  return { found, gaps: [...gaps, ...leftOut(left, limit)] }
}

const nameOf = ({ comm, pid }: HostProcess) => `${comm}[${pid}]`

/** Those that are within the limit one after the other; what is too large does not keep out what is smaller. */
function within(chosen: readonly HostProcess[], limit: number) {
  let room = limit
  const taken: HostProcess[] = []
  for (const process of chosen) {
    if (process.own > room) continue
    room -= process.own
    taken.push(process)
  }
  return { taken, left: chosen.filter((process) => !taken.includes(process)) }
}

function leftOut(processes: readonly HostProcess[], limit: number): InventoryGap[] {
  return processes.map((process) =>
    gap('skipped', `${nameOf(process)} has ${formatBytes(process.own)}: live.limit is ${formatBytes(limit)} in all`),
  )
}

function gap(status: InventoryGap['status'], reason: string): InventoryGap {
  return { source: 'live', class: 'memory', status, reason }
}
