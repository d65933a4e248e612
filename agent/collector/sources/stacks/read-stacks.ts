import { setTimeout as sleep } from 'node:timers/promises'
import type { Lease } from '../../../streams/lease.ts'
import { sentence } from '../../../words/cannot.ts'
import { within } from '../../../words/deadline.ts'
import { readExecutable } from '../../host/executable-file.ts'
import { fewAtATime } from '../../host/few-at-a-time.ts'
import type { System } from '../../host/ffi.ts'
import { HostReads } from '../../host/host-reads.ts'
import { ledger } from '../../host/ledger.ts'
import { inChunks, type Reading } from '../../host/reading.ts'
import { bootTime } from '../../host/this-boot.ts'
import type { Preflight } from '../../live-core/preflight.ts'
import { takeStackCore } from '../../live-core/stack-core.ts'
import { type Limits, Unsupported } from '../../live-core/target.ts'
import { type CoreRow, coreEntry, coreTable } from '../../processes/core-table.ts'
import type { HostProcess } from '../../processes/host-process.ts'
import type { Patients } from '../../processes/patients.ts'
import { ENTRY_BYTES, TAR_END, tarWriter } from '../../tar/tar-writer.ts'
import { coresLack, stacksOutcome } from './outcome.ts'
import { standsOf } from './stand.ts'
import { machineOf } from './system-calls.ts'
import { readThreads, type Thread } from './thread.ts'
import { type Stood, threadTable, threadText } from './thread-table.ts'

export interface StacksRequest {
  readonly root: string
  readonly system: System
  readonly patients: Patients
  readonly chosen: readonly HostProcess[]
  readonly troubled: ReadonlyMap<number, unknown>
  readonly preflight: Preflight
  /** ms from the first look at the threads to the second; 0: there is none. */
  readonly interval: number
  readonly limit: number
  readonly caps: Caps
}

/** How many threads are taken, whatever there are. */
export interface Caps {
  /** In a core of one process, and ms for which it stands still. */
  readonly core: Limits
  /** In the table, of all processes and of one: 0.15 ms each. */
  readonly table: number
  readonly tableOfOne: number
}

/** A process of 64 threads stands still for some ms, on a host that has no CPU left for a hundred times that; who needs more will not stop. */
export const CAPS: Caps = { core: { freezeMs: 1_000, threads: 2_048 }, table: 8_192, tableOfOne: 1_024 }
/** ms for one look at all of them, of which this process was run. */
const LOOK_MS = 2_000
/** ms to read what an executable says of itself: it may lie on a file system that hangs. */
const EXECUTABLE_MS = 250
/** Of the limit, what is kept for the tables at the end. */
const TABLES = 1 / 4

/** Reads stacks.tar: STACKS.md. Whatever ends it early, the tar is whole. */
export function readStacks(request: StacksRequest, signal: AbortSignal): Reading {
  const troubles = ledger()
  const reads = new HostReads(request.root, troubles, signal)
  const seen: Seen = { rows: [], gone: new Set(), unlooked: new Map(), stood: [], looks: 0 }
  return {
    chunks: entries(request, reads, seen, signal),
    outcome: () => stacksOutcome(request, seen, troubles),
    async [Symbol.asyncDispose]() {
      reads[Symbol.dispose]()
    },
  }
}

/** What was seen of the chosen processes so far. */
export interface Seen {
  readonly rows: CoreRow[]
  /** Processes that ended before their core was taken. */
  readonly gone: Set<number>
  /** How many threads of a process the table leaves out, by pid. */
  unlooked: ReadonlyMap<number, number>
  stood: readonly Stood[]
  looks: number
}

async function* entries(
  request: StacksRequest,
  reads: HostReads,
  seen: Seen,
  signal: AbortSignal,
): AsyncGenerator<Lease, void, void> {
  const booted = await bootTime(request.root, signal)
  const tar = tarWriter(Date.now())
  let left = request.limit - TAR_END
  async function* add(name: string, content: Buffer) {
    const piece = await tar.add({ name, content })
    left -= piece.length
    yield* inChunks(piece)
  }
  async function* addTables(folder: string) {
    for (const [name, text] of [
      ['threads.tsv', threadTable(seen.stood)],
      ['threads.txt', threadText(seen.stood)],
    ] as const) {
      const content = Buffer.from(text)
      if (content.length + ENTRY_BYTES > left)
        reads.ledger.lost(folder + name, `no room for its ${content.length} bytes`)
      else yield* add(folder + name, content)
    }
  }
  // Nobody else may stop a process between two looks at it.
  using _ = await request.patients.turn(signal)
  const began = performance.now()
  const first = await look(request, reads, 'whole')
  seen.stood = inOrder(request, first)
  seen.unlooked = first.unlooked
  seen.looks = 1
  yield* addTables('')

  for (const { process } of seen.stood) {
    if (!request.preflight.ok) break
    const { row, core } = await takeCore(request, process, left * (1 - TABLES) - ENTRY_BYTES, signal)
    seen.rows.push(row)
    const isGone =
      core === undefined && (await reads.names(`proc/${process.pid}/task`, { optional: true })) === undefined
    if (isGone) seen.gone.add(process.pid)
    if (row.entry !== undefined && core !== undefined) yield* add(row.entry, core)
  }

  if (request.interval > 0 && !signal.aborted) {
    await sleep(Math.max(0, began + request.interval - performance.now()), undefined, { signal }).catch(() => {})
  }
  if (request.interval > 0 && !signal.aborted) {
    const second = await look(request, reads, 'to compare')
    seen.stood = compared(seen.stood, second)
    seen.looks = 2
    yield* addTables('later/')
  }
  const cores = Buffer.from(coreTable(seen.rows, booted))
  if (cores.length + ENTRY_BYTES <= left) yield* add('cores.tsv', cores)
  const lack = coresLack(request, seen)
  if (lack !== undefined) reads.ledger.lost('cores.tsv', lack)
  const errors = Buffer.from(reads.ledger.text())
  if (errors.length + ENTRY_BYTES <= left) yield* add('errors.txt', errors)
  if (left >= 0) yield* inChunks(tar.end())
}

interface Looked {
  readonly threads: ReadonlyMap<number, readonly Thread[]>
  readonly unlooked: ReadonlyMap<number, number>
}

/** The threads of all chosen processes at this moment, by pid. */
async function look(
  { chosen, troubled, caps }: StacksRequest,
  reads: HostReads,
  depth: 'whole' | 'to compare',
): Promise<Looked> {
  const until = reads.time.now() + LOOK_MS
  // Whether we may see kernel stacks (that takes CAP_SYS_ADMIN) is the same for all of them.
  const kernelStacks = ((await reads.text('proc/self/stack', { once: true, optional: true })) ?? '') !== ''
  const looked = new Map<number, readonly Thread[]>()
  const unlooked = new Map<number, number>()
  let left = caps.table
  await fewAtATime(troubledFirst(chosen, troubled), async ({ pid, threads }) => {
    const most = reads.time.now() > until ? 0 : Math.min(left, caps.tableOfOne)
    left -= Math.min(threads, most)
    if (threads > most) {
      unlooked.set(pid, threads - most)
      reads.ledger.lost(`proc/${pid}/task`, `${threads - most} of ${threads} threads were not looked at`)
    }
    if (most === 0) return
    const machine = machineOf(await reads.bytes(`proc/${pid}/auxv`, { once: true, optional: true, detail: true }))
    looked.set(pid, await readThreads(reads, pid, { most, depth, kernelStacks, machine }))
  })
  return { threads: looked, unlooked }
}

function troubledFirst(
  processes: readonly HostProcess[],
  troubled: ReadonlyMap<number, unknown>,
): readonly HostProcess[] {
  return processes.toSorted((a, b) => Number(troubled.has(b.pid)) - Number(troubled.has(a.pid)) || b.memory - a.memory)
}

/** Processes with a blocked thread first, then those in trouble, then by memory. */
function inOrder({ chosen, troubled }: StacksRequest, looked: Looked): readonly Stood[] {
  const stood = troubledFirst(chosen, troubled).map((process) => {
    return { process, threads: looked.threads.get(process.pid) ?? [], stands: new Map() }
  })
  const isBlocked = ({ threads }: Stood) => threads.some(({ state }) => state === 'D')
  return stood.toSorted((a, b) => Number(isBlocked(b)) - Number(isBlocked(a)))
}

/** What was seen first, with what the second look tells of each thread; those that have come since are left out. */
function compared(stood: readonly Stood[], second: Looked): readonly Stood[] {
  return stood.map(({ process, threads }) => {
    const now = second.threads.get(process.pid) ?? []
    const there = new Set(now.map(({ tid }) => tid))
    return { process, threads: threads.filter(({ tid }) => there.has(tid)), stands: standsOf(threads, now) }
  })
}

async function takeCore(
  { root, system, caps }: StacksRequest,
  process: HostProcess,
  room: number,
  signal: AbortSignal,
): Promise<{ readonly row: CoreRow; readonly core?: Buffer }> {
  const { pid, start } = process
  const executable = await readExecutable(root, pid, within(EXECUTABLE_MS, signal))
  const none = { process, entry: undefined, executable, threads: 0, beyond: 0, freezeMs: 0, unsupported: false }
  if (signal.aborted) return { row: { ...none, missed: ['there was no time left'] } }
  try {
    const taken = await takeStackCore({ pid, start, root }, caps.core, system, signal)
    const { core, threads, beyond, freezeMs, missed } = taken
    if (core.length > room) return { row: { ...none, freezeMs, missed: [`no room for its ${core.length} bytes`] } }
    return {
      row: { process, entry: coreEntry(process), executable, threads, beyond, freezeMs, missed, unsupported: false },
      core,
    }
  } catch (error) {
    return { row: { ...none, unsupported: error instanceof Unsupported, missed: [sentence(error)] } }
  }
}
