import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sentence } from '../../../words/cannot.ts'
import { abandonable } from '../../../words/deadline.ts'
import type { InventoryGap } from '../../../words/evidence.ts'
import { parseScope, type Scope, scopeName } from '../../../words/memory-scope.ts'
import { unasked } from '../../clearance.ts'
import { estimateBytes } from '../../machine-memory/estimate.ts'
import { openMachine, Withheld } from '../../machine-memory/machine.ts'
import { scopeCosts } from '../../machine-memory/scope-costs.ts'
import type { HostProcess } from '../../processes/host-process.ts'
import type { Patients } from '../../processes/patients.ts'
import type { Found, Inventory, Source, SourceContext } from '../source.ts'
import { companionsItem } from './companions.ts'
import { openSnapshot, type SnapshotRequest } from './open-snapshot.ts'

/** Below the stacks and full cores: large, and wanted when the kernel itself is the suspect. */
const VALUE = { companions: 450, vmcore: 300 } as const
/** What a kernel's own memory shrinks to, as measured; a page of zeros here and there is in it. */
const RATIO = 0.3
/** The survey of a machine with 1 TiB takes a while, as the kernel's symbols do on one under load, during which nothing comes. */
const PATIENCE_MS = 30_000

/** The memory of the machine, filtered by what each page is, from the living kernel: VMCORE.md. */
export function memorySource(): Source {
  return {
    name: 'memory',
    open: (context) => ({ inventory: (ms, signal) => inventory(context, ms, signal) }),
  }
}

async function inventory(
  { root, settings, patients }: SourceContext,
  ms: number,
  signal: AbortSignal,
): Promise<Inventory> {
  const scope = parseScope(settings.memory.scope)
  if (scope.kind === 'off') return { found: [], gaps: [] }
  const { when } = settings.memory
  if (when === 'never') return { found: [], gaps: [gap('skipped', 'memory.when is "never"')] }
  const closed = unasked(settings.seal)
  if (closed !== undefined) return { found: [], gaps: [gap('skipped', closed)] }
  const machine = await openMachine(root, signal).catch((error: Error) => error)
  if (machine instanceof Withheld) return { found: [], gaps: [gap(machine.status, sentence(machine))] }
  if (machine instanceof Error) return { found: [], gaps: [gap('failed', sentence(machine))] }
  const { processes, lack } = await processesOf(scope, patients, ms, signal)
  const meminfo = await abandonable(readFile(join(root, 'proc/meminfo'), 'latin1'), signal).catch(() => '')
  const unitBytes = processes.reduce((sum, { memory }) => sum + memory, 0)
  const bytes = estimateBytes(scope, machine.memory.ram, meminfo, unitBytes)
  const costs = scopeCosts(machine.memory.ram, meminfo, RATIO)
  const none = scope.kind === 'kernel+unit' && processes.length === 0
  const absent = none ? [gap('absent', `no process is in ${scope.unit}: its pages are in no snapshot`)] : []
  return {
    found: [
      companionsItem(root, VALUE.companions, PATIENCE_MS),
      vmcoreItem({ root, machine, scope, processes }, bytes, costs),
    ].map((item) => (when === 'trouble' ? { ...item, when } : item)),
    gaps: lack === undefined ? absent : [gap('failed', `not all pages of the unit may be known: ${lack}`)],
  }
}

/** `costs`: what each scope would take. */
function vmcoreItem(request: SnapshotRequest, bytes: number, costs: ReturnType<typeof scopeCosts>): Found {
  return {
    id: 'vmcore',
    source: 'memory',
    name: 'memory/vmcore.zst',
    class: 'memory',
    phase: 'live',
    encoding: 'frames',
    bytes,
    ratio: RATIO,
    value: VALUE.vmcore,
    patience: PATIENCE_MS,
    identity: { details: { source: 'memory', scope: scopeName(request.scope), costs } },
    open: (limit, signal) => openSnapshot(request, limit, signal),
  }
}

async function processesOf(
  scope: Scope,
  patients: Patients,
  ms: number,
  signal: AbortSignal,
): Promise<{ readonly processes: readonly HostProcess[]; readonly lack: string | undefined }> {
  if (scope.kind !== 'kernel+unit') return { processes: [], lack: undefined }
  const { processes, lack } = await patients.survey(ms, signal)
  return { processes: processes.filter(({ unit }) => unit === scope.unit), lack }
}

function gap(status: InventoryGap['status'], reason: string): InventoryGap {
  return { source: 'memory', class: 'memory', status, reason }
}
