import { setTimeout as sleep } from 'node:timers/promises'
import { sentence } from '../../../cannot.ts'
import { within } from '../../../deadline.ts'
import type { System } from '../../ffi.ts'
import type { Preflight } from '../../live-core/preflight.ts'
import { takeStackCore } from '../../live-core/stack-core.ts'
import type { Limits } from '../../live-core/target.ts'
import { readExecutable } from '../../processes/executable.ts'
import type { HostProcess } from '../../processes/host-process.ts'
import type { Patients } from '../../processes/patients.ts'
import { type Outcome, READ_BYTES, type Reading } from '../../source.ts'
import { fewAtATime } from '../facts/few-at-a-time.ts'
import { HostReads } from '../facts/host-reads.ts'
import { type Ledger, ledger } from '../facts/ledger.ts'
import { ENTRY_BYTES, TAR_END, tarWriter } from '../facts/tar-writer.ts'
import { bootTime } from '../journal/this-boot.ts'
import { type CoreRow, coreEntry, coreTable } from './core-table.ts'
import { standNote } from './note.ts'
import { standsOf } from './stand.ts'
import type { Machine } from './system-calls.ts'
import { readThreads, type Thread } from './thread.ts'
import { type Stood, threadTable, threadText } from './thread-table.ts'

export interface StacksRequest {
  readonly root: string
  readonly system: System
  readonly patients: Patients
  readonly chosen: readonly HostProcess[]
  readonly troubled: ReadonlyMap<number, string>
  readonly preflight: Preflight
  /** ms from the first look at the threads to the second; 0: there is none. */
  readonly interval: number
  readonly limit: number
}

/** A process of 64 threads stands still for some ms, on a host that has no CPU left for a hundred times that; who needs more will not stop. */
const LIMITS: Limits = { freezeMs: 1_000, threads: 2_048 }
/** Threads that the table has at most, in all and of one process: 0.15 ms each. */
const THREADS = 8_192
const THREADS_OF_ONE = 1_024
/** ms for one look at all of them. */
const LOOK_MS = 2_000
/** ms to read what an executable says of itself: it may lie on a file system that hangs. */
const EXECUTABLE_MS = 250
/** Of the limit, what is kept for the tables at the end. */
const TABLES = 1 / 4

/** Reads stacks.tar: STACKS.md. Whatever ends it early, the tar is whole. */
export function readStacks(request: StacksRequest, signal: AbortSignal): Reading {
  const troubles = ledger()
  const reads = new HostReads(request.root, troubles, signal)
  const seen: Seen = { rows: [], gone: new Set(), stood: [], looks: 0 }
  return {
    chunks: entries(request, reads, seen, signal),
    outcome: () => outcome(request, seen, troubles),
    async [Symbol.asyncDispose]() {
      reads[Symbol.dispose]()
    },
  }
}

interface Seen {
  readonly rows: CoreRow[]
  /** Processes that ended before their core was taken. */
  readonly gone: Set<number>
  stood: readonly Stood[]
  looks: number
}

async function* entries(
  request: StacksRequest,
  reads: HostReads,
  seen: Seen,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, void> {
  const tar = tarWriter(Date.now())
  let left = request.limit - TAR_END
  async function* add(name: string, content: Buffer) {
    const piece = await tar.add({ name, content })
    left -= piece.length
    for (let at = 0; at < piece.length; at += READ_BYTES) yield piece.subarray(at, at + READ_BYTES)
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
  const cores = Buffer.from(coreTable(seen.rows, await bootTime(request.root)))
  if (cores.length + ENTRY_BYTES <= left) yield* add('cores.tsv', cores)
  const errors = Buffer.from(reads.ledger.text())
  if (errors.length + ENTRY_BYTES <= left) yield* add('errors.txt', errors)
  if (left >= 0) yield tar.end()
}

type Looked = ReadonlyMap<number, readonly Thread[]>

/** The threads of all chosen processes at this moment, by pid. */
async function look(
  { chosen, troubled }: StacksRequest,
  reads: HostReads,
  depth: 'whole' | 'to compare',
): Promise<Looked> {
  const until = performance.now() + LOOK_MS
  // Whether we may see kernel stacks (that takes CAP_SYS_ADMIN) is the same for all of them.
  const kernelStacks = ((await reads.text('proc/self/stack', { once: true, optional: true })) ?? '') !== ''
  const machine: Machine = process.arch === 'arm64' ? 'arm64' : 'x64'
  const looked = new Map<number, readonly Thread[]>()
  let left = THREADS
  await fewAtATime(troubledFirst(chosen, troubled), async ({ pid, threads }) => {
    const most = performance.now() > until ? 0 : Math.min(left, THREADS_OF_ONE)
    left -= Math.min(threads, most)
    if (threads > most)
      reads.ledger.lost(`proc/${pid}/task`, `${threads - most} of ${threads} threads were not looked at`)
    if (most > 0) looked.set(pid, await readThreads(reads, pid, { most, depth, kernelStacks, machine }))
  })
  return looked
}

function troubledFirst(
  processes: readonly HostProcess[],
  troubled: ReadonlyMap<number, string>,
): readonly HostProcess[] {
  return processes.toSorted((a, b) => Number(troubled.has(b.pid)) - Number(troubled.has(a.pid)) || b.memory - a.memory)
}

/** Processes with a blocked thread first, then those in trouble, then by memory. */
function inOrder({ chosen, troubled }: StacksRequest, looked: Looked): readonly Stood[] {
  const stood = troubledFirst(chosen, troubled).map((process) => {
    return { process, threads: looked.get(process.pid) ?? [], stands: new Map() }
  })
  const isBlocked = ({ threads }: Stood) => threads.some(({ state }) => state === 'D')
  return stood.toSorted((a, b) => Number(isBlocked(b)) - Number(isBlocked(a)))
}

/** What was seen first, with what the second look tells of each thread; those that have come since are left out. */
function compared(stood: readonly Stood[], second: Looked): readonly Stood[] {
  return stood.map(({ process, threads }) => {
    const now = second.get(process.pid) ?? []
    const there = new Set(now.map(({ tid }) => tid))
    return { process, threads: threads.filter(({ tid }) => there.has(tid)), stands: standsOf(threads, now) }
  })
}

async function takeCore(
  { root, system }: StacksRequest,
  process: HostProcess,
  room: number,
  signal: AbortSignal,
): Promise<{ readonly row: CoreRow; readonly core?: Buffer }> {
  const { pid, start } = process
  const executable = await readExecutable(root, pid, within(EXECUTABLE_MS, signal))
  const none = { process, entry: undefined, executable, threads: 0, freezeMs: 0 }
  if (signal.aborted) return { row: { ...none, missed: ['there was no time left'] } }
  try {
    const taken = await takeStackCore({ pid, start, root }, LIMITS, system, signal)
    const { core, threads, freezeMs, missed } = taken
    if (core.length > room) return { row: { ...none, freezeMs, missed: [`no room for its ${core.length} bytes`] } }
    return { row: { process, entry: coreEntry(process), executable, threads, freezeMs, missed }, core }
  } catch (error) {
    return { row: { ...none, missed: [sentence(error)] } }
  }
}

function outcome({ chosen, preflight }: StacksRequest, { rows, gone, stood, looks }: Seen, troubles: Ledger): Outcome {
  const freezeMs = Math.max(0, ...rows.map((row) => row.freezeMs))
  const threads = stood.reduce((sum, one) => sum + one.threads.length, 0)
  const parts = rows.filter(({ entry, missed }) => entry !== undefined && missed.length > 0).length
  const lack = parts > 0 ? `; cores.tsv says what ${parts} of the cores lack` : ''
  const identity = { threads, freezeMs, note: standNote(stood, looks > 1) + lack }
  const lacking = rows.filter(({ entry, process }) => entry === undefined && !gone.has(process.pid))
  const [first] = lacking
  const untaken = preflight.ok ? chosen.length - rows.length : 0
  const truncated = !preflight.ok
    ? `no cores, only the table of threads: ${preflight.reason}`
    : first !== undefined
      ? `of ${lacking.length} of ${chosen.length} processes there is no core: ${first.process.comm} ${first.process.pid}: ${first.missed[0]}`
      : untaken > 0
        ? `${untaken} of ${chosen.length} processes were not looked at`
        : troubles.truncated()
  return { identity, ...(truncated !== undefined && { truncated }) }
}
