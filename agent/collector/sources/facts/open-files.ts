import { fewAtATime } from '../../host/few-at-a-time.ts'
import type { HostReads } from '../../host/host-reads.ts'
import { inTurns } from '../../host/in-turns.ts'
import type { Process } from '../../host/processes.ts'
import { tsv } from '../../tar/tsv.ts'

/** Links read in all: 20 µs each, 0.4 s. */
const LINKS = 20_000
/** ms for all of them, of which this process was run. */
const LINKS_WAIT = 500
/** Of one process no more than this: one that leaks descriptors leaks them all of a kind. */
const LINKS_OF_ONE = 2048
/** Deleted files whose size is asked, and of one process no more than so many. */
const DELETED = 512
const DELETED_OF_ONE = 64

/** A process that has ended is no news. */
const DETAIL = { optional: true, detail: true } as const

export interface OpenFiles {
  /** open-files.tsv: how many descriptors of each kind a process has. */
  readonly kinds: string
  /** deleted-files.tsv: files that take space but have no name any more. */
  readonly deleted: string
}

/**
 * What the processes' descriptors are, by their links; of each user in turns those with most of them first. `safe` are the mounts (by id)
 * whose files may be asked for their size.
 */
export async function readOpenFiles(
  reads: HostReads,
  processes: readonly Process[],
  safe: ReadonlySet<number>,
): Promise<OpenFiles> {
  const until = reads.time.now() + LINKS_WAIT
  const kinds: [number, string, string, number][] = []
  const deleted: [number, string, string, number | undefined, string][] = []
  let left = LINKS
  const ordered = [...processes].sort((a, b) => (b.fds ?? 0) - (a.fds ?? 0))
  await fewAtATime(
    inTurns(ordered, ({ uid }) => uid),
    async ({ pid, comm, fds }) => {
      if (!fds) return
      const counts = new Map<string, number>()
      const names = (await reads.names(`proc/${pid}/fd`, DETAIL)) ?? []
      const some = names.slice(0, Math.min(LINKS_OF_ONE, left))
      left -= some.length
      for (const fd of some) {
        if (reads.time.now() > until) left = 0
        if (left === 0) break
        const target = await reads.link(`proc/${pid}/fd/${fd}`, DETAIL)
        if (target === undefined) continue
        const kind = kindOfLink(target)
        counts.set(kind, (counts.get(kind) ?? 0) + 1)
        if (kind !== 'deleted' || deleted.length >= DELETED || (counts.get(kind) ?? 0) > DELETED_OF_ONE) continue
        deleted.push([pid, comm, fd, await heldBytes(reads, pid, fd, safe), target.slice(0, -DELETED_MARK.length)])
      }
      if (names.length > some.length || left === 0)
        reads.ledger.lost(`proc/${pid}/fd`, 'not every descriptor was looked at', DETAIL)
      for (const [kind, count] of counts) kinds.push([pid, comm, kind, count])
    },
  )
  kinds.sort((a, b) => b[3] - a[3] || a[0] - b[0])
  deleted.sort((a, b) => (b[3] ?? 0) - (a[3] ?? 0))
  return {
    kinds: tsv(['pid', 'comm', 'kind', 'count'], kinds),
    deleted: tsv(['pid', 'comm', 'fd', 'held', 'path'], deleted),
  }
}

const DELETED_MARK = ' (deleted)'

/** socket, pipe, eventpoll, memfd, device, deleted, file: what a link in /proc/PID/fd tells, proc_pid_fd(5). */
export function kindOfLink(target: string): string {
  if (target.startsWith('/memfd:')) return 'memfd'
  if (target.startsWith('/dev/') && !target.startsWith('/dev/shm/')) return 'device'
  if (target.startsWith('/')) return target.endsWith(DELETED_MARK) ? 'deleted' : 'file'
  const named = /^anon_inode:\[?([^\]]*)/.exec(target)
  return named?.[1] ?? target.split(':', 1)[0] ?? target
}

/** Bytes on disk that closing the file would free. To stat it is to ask its file system, so only a safe one. */
async function heldBytes(
  reads: HostReads,
  pid: number,
  fd: string,
  safe: ReadonlySet<number>,
): Promise<number | undefined> {
  const info = await reads.text(`proc/${pid}/fdinfo/${fd}`, { ...DETAIL, once: true })
  const mount = info?.match(/^mnt_id:\s+(\d+)/m)?.[1]
  if (mount === undefined || !safe.has(Number(mount))) return undefined
  const stat = await reads.stat(`proc/${pid}/fd/${fd}`, { ...DETAIL, follow: true })
  return stat === undefined ? undefined : stat.blocks * 512
}
