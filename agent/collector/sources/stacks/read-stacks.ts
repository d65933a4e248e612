import { setTimeout as sleep } from 'node:timers/promises'
import type { Lease } from '../../../streams/lease.ts'
import { HostReads } from '../../host/host-reads.ts'
import { ledger } from '../../host/ledger.ts'
import { inChunks, type Reading } from '../../host/reading.ts'
import { bootTime } from '../../host/this-boot.ts'
import { coreTable } from '../../processes/core-table.ts'
import { ENTRY_BYTES, TAR_END, tarWriter } from '../../tar/tar-writer.ts'
import { compared, inOrder, look } from './look.ts'
import { coresLack, stacksOutcome } from './outcome.ts'
import type { Seen, StacksRequest } from './request.ts'
import { takeCore } from './take-core.ts'
import { type Stood, threadTable, threadText } from './thread-table.ts'

/** Of the limit, what is kept for the tables at the end. */
const TABLES = 1 / 4

function keepSeen({ kept }: StacksRequest, { stood }: Seen): void {
  for (const { process, threads, stands } of stood) kept?.see(process.pid, threads, stands)
}

/**
 * The second look, for the traces alone: who has ended since was no hang. A host on which nothing hangs goes down meanwhile, and is not kept from it by
 * the rest of the interval.
 */
async function lookLater(
  request: StacksRequest,
  stood: readonly Stood[],
  began: number,
  isHanging: boolean,
  signal: AbortSignal,
): Promise<void> {
  if (request.interval === 0) return
  const rest = isHanging ? Math.max(0, began + request.interval - performance.now()) : 0
  await sleep(rest, undefined, { signal }).catch(() => {})
  using reads = new HostReads(request.root, ledger(), signal)
  if (signal.aborted) return
  for (const { process, threads, stands } of compared(stood, await look(request, reads, 'to compare')))
    request.kept?.see(process.pid, threads, stands)
}

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
  keepSeen(request, seen)
  yield* addTables('')

  for (const { process } of seen.stood) {
    if (!request.preflight.ok) {
      request.kept?.lack('stacks', request.preflight.reason)
      break
    }
    const room = request.gives ? left * (1 - TABLES) - ENTRY_BYTES : Number.POSITIVE_INFINITY
    const { row, core } = await takeCore(request, process, room, signal)
    seen.rows.push(row)
    const isGone =
      core === undefined && (await reads.names(`proc/${process.pid}/task`, { optional: true })) === undefined
    if (isGone) seen.gone.add(process.pid)
    if (request.gives && row.entry !== undefined && core !== undefined) yield* add(row.entry, core)
  }

  if (!request.gives)
    request.kept?.lookLater((isHanging, later) => lookLater(request, seen.stood, began, isHanging, later))
  else if (request.interval > 0 && !signal.aborted) {
    await sleep(Math.max(0, began + request.interval - performance.now()), undefined, { signal }).catch(() => {})
  }
  if (request.gives && request.interval > 0 && !signal.aborted) {
    const second = await look(request, reads, 'to compare')
    seen.stood = compared(seen.stood, second)
    seen.looks = 2
    keepSeen(request, seen)
    yield* addTables('later/')
  }
  const cores = Buffer.from(coreTable(seen.rows, booted))
  if (request.gives && cores.length + ENTRY_BYTES <= left) yield* add('cores.tsv', cores)
  const lack = coresLack(request, seen)
  if (lack !== undefined) reads.ledger.lost('cores.tsv', lack)
  const errors = Buffer.from(reads.ledger.text())
  if (errors.length + ENTRY_BYTES <= left) yield* add('errors.txt', errors)
  if (left >= 0) yield* inChunks(tar.end())
}
