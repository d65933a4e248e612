import type { MemoryDetails } from '../../../words/details.ts'
import { type Scope, scopeName } from '../../../words/memory-scope.ts'
import type { Outcome, Reading } from '../../host/reading.ts'
import { firstPages } from '../../machine-memory/first/first-pages.ts'
import { openKcore } from '../../machine-memory/kcore-reader.ts'
import type { Machine } from '../../machine-memory/machine.ts'
import { openPageFlags } from '../../machine-memory/page-flags.ts'
import { wantedClasses } from '../../machine-memory/scope-classes.ts'
import { readSnapshot } from '../../machine-memory/snapshot.ts'
import { readableRam, surveyMemory } from '../../machine-memory/survey.ts'
import { unitPages } from '../../machine-memory/unit-pages.ts'
import { layOut } from '../../machine-memory/vmcore.ts'
import type { Wanted } from '../../machine-memory/wanted.ts'
import type { HostProcess } from '../../processes/host-process.ts'

/** Of which machine, and what of it. */
export interface SnapshotRequest {
  readonly root: string
  readonly machine: Machine
  readonly scope: Scope
  /** Those of the scope's unit. */
  readonly processes: readonly HostProcess[]
}

/** Reads of /proc/kcore in flight: it copies with one processor each. */
const DESCRIPTORS = 4

/**
 * Looks at every page's class, lays the file out, and reads it: at most `limit` bytes. Where the scope does not fit, the kernel
 * alone is taken.
 */
export async function openSnapshot(request: SnapshotRequest, limit: number, signal: AbortSignal): Promise<Reading> {
  const { root, scope, machine, processes } = request
  const { map, memory, pageSize, processors } = machine
  using opened = new DisposableStack()
  const flags = opened.use(await openPageFlags(root, signal))
  const kcore = opened.use(await openKcore(root, DESCRIPTORS, signal))
  const pids = processes.map(({ pid }) => pid)
  const { pages, more } = await unitPages(root, pids, pageSize, signal)
  const ram = readableRam(memory, map, pageSize)
  const first = await firstPages(root, machine, kcore, signal)
  const survey = async (wanted: Wanted) => {
    const runs = await surveyMemory(ram, first.pages, wanted, flags, signal)
    return { wanted, layout: layOut(map, processors, runs, pageSize) }
  }
  let chosen = await survey({ classes: wantedClasses(scope), pages })
  let taken: Scope = scope
  let unfit: MemoryDetails['unfit']
  if (chosen.layout.bytes > limit && scope.kind !== 'kernel') {
    unfit = { scope: scopeName(scope), bytes: chosen.layout.bytes }
    taken = { kind: 'kernel' }
    chosen = await survey({ classes: wantedClasses(taken), pages: new Uint32Array(0) })
  }
  const known = { scope: scopeName(taken), ...(more && { more }), ...(unfit && { unfit }) }
  const reading = readSnapshot({ map, ram, pageSize, kcore, flags, first: first.classes, ...chosen }, limit, signal)
  opened.move()
  return knowing(reading, known)
}

/** The same with what was known before. */
function knowing(reading: Reading, known: Omit<MemoryDetails, 'source'>): Reading {
  return {
    ...reading,
    outcome(): Outcome {
      const { identity, ...outcome } = reading.outcome()
      const seen = identity?.details?.source === 'memory' ? identity.details : {}
      return { ...outcome, identity: { ...identity, details: { source: 'memory', ...known, ...seen } } }
    },
  }
}
