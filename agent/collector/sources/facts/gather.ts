import { cgroupMount } from '../../host/cgroup-tree.ts'
import type { HostReads } from '../../host/host-reads.ts'
import { readKernelLog } from '../../host/kernel-log.ts'
import { mountTable, parseMounts, readFileSystems, safeMounts } from '../../host/mounts.ts'
import { type Process, readProcesses } from '../../host/processes.ts'
import type { History } from '../../recorder/history.ts'
import { type Entry, textEntry } from '../../tar/entry.ts'
import { readBlockedTasks } from './blocked-tasks.ts'
import { type Cgroup, cgroupTable, readCgroups } from './cgroups.ts'
import { crashFiles } from './crash-files.ts'
import { historyTable, topTable } from './history-tables.ts'
import { readJournal } from './journal-text.ts'
import { readOpenFiles } from './open-files.ts'
import { processTable } from './process-table.ts'
import { wanted } from './read-wanted.ts'
import type { Snapshot } from './snapshot.ts'
import { clockOf, summary } from './summary.ts'
import { ALWAYS, BY_FAILURE, FIRST, OF_CGROUP, type WantedFile } from './wanted-files.ts'

/** The entry that the journal's lines are. */
export const JOURNAL = 'journal.txt'
/** The entry that is read first. */
export const SUMMARY = 'summary.txt'
const NOTHING = 'nothing was recorded: recorder.span is 0s, or this collector was started for one capture'
/** Cgroups whose own files are taken, those with most memory first. */
const CGROUPS = 64
/** Processes whose memory is broken down, the largest. */
const BROKEN_DOWN = 3

/**
 * The facts, the cheapest and most valuable first; an entry is handed on as soon as it is there, so that whatever ends this early leaves
 * what was read. This order is the one in the tar. After the signal nothing more is read, and what is known is still given.
 */
export async function* gather(
  reads: HostReads,
  at: number,
  lines: number,
  history?: History,
): AsyncGenerator<Entry, void, void> {
  // It is at hand, and of the time that nothing else tells of.
  if (history !== undefined) {
    yield textEntry('history.tsv', historyTable(history))
    yield textEntry('history-top.tsv', topTable(history))
  }
  const files = new Map<string, string>()
  let mountinfo = ''
  async function* kept(list: readonly WantedFile[]) {
    for await (const entry of wanted(reads, list)) {
      files.set(entry.name, entry.content.toString())
      if (entry.name === 'proc/self/mountinfo') mountinfo = entry.content.toString('latin1')
      yield entry
    }
  }
  yield* kept(FIRST)
  const kernelLog = (await readKernelLog(reads)) ?? []
  yield textEntry('kernel-log.txt', kernelLog.map((line) => `${line}\n`).join(''))
  yield* kept(ALWAYS)

  const processes = await readProcesses(reads)
  yield textEntry('processes.tsv', processTable(processes, clockOf({ files, at })))
  const mounts = parseMounts(mountinfo)
  const tree = cgroupMount(mounts)
  if (tree === undefined) reads.ledger.note('cgroups.tsv', 'no cgroup file system of version 2 is mounted')
  const cgroups = tree === undefined ? [] : await readCgroups(reads, tree)
  yield textEntry('cgroups.tsv', cgroupTable(cgroups))
  const fileSystems = await readFileSystems(reads, mounts)
  yield textEntry('mounts.tsv', mountTable(fileSystems))
  const troubles = reads.ledger.count()
  const snapshot: Snapshot = { at, files, kernelLog, processes, cgroups, fileSystems, troubles, history }
  yield textEntry(SUMMARY, summary(snapshot))
  if (history === undefined) reads.ledger.note('history.tsv', NOTHING)

  const safe = new Set([...safeMounts(mounts)].map(({ id }) => id))
  yield textEntry('blocked-tasks.txt', await readBlockedTasks(reads, processes))
  yield await crashFiles(reads)
  yield* wanted(reads, BY_FAILURE)
  const open = await readOpenFiles(reads, processes, safe)
  yield textEntry('deleted-files.tsv', open.deleted)
  yield textEntry('open-files.tsv', open.kinds)
  yield* wanted(reads, [...ofCgroups(tree ?? '', cgroups), ...ofLargest(processes)])

  const memory = { meminfo: files.get('proc/meminfo'), pressure: files.get('proc/pressure/memory') }
  const journal = await readJournal(reads, lines, memory)
  if (journal !== undefined) yield { name: JOURNAL, content: journal }
}

function ofCgroups(tree: string, cgroups: readonly Cgroup[]) {
  const memory = (cgroup: Cgroup) => Number(cgroup.values.get('memory_current') ?? 0)
  const largest = [...cgroups].sort((a, b) => memory(b) - memory(a)).slice(0, CGROUPS)
  return largest.flatMap(({ path }) =>
    OF_CGROUP.map((file) => ({
      path: `${tree}${path === '/' ? '' : path}/${file}`,
      optional: true,
      once: true,
      detail: true,
    })),
  )
}

function ofLargest(processes: readonly Process[]) {
  const largest = processes.filter(({ kernelThread }) => !kernelThread).sort((a, b) => b.rss - a.rss)
  return largest.slice(0, BROKEN_DOWN).map(({ pid, uid }) => ({
    ...{ path: `proc/${pid}/smaps_rollup`, optional: true, detail: true },
    ...(uid !== undefined && { uid }),
  }))
}
