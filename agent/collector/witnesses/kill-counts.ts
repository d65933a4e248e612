import type { Death } from '../../findings/death.ts'
import { placeOf } from '../../findings/place-of.ts'
import { cgroupTree } from '../host/cgroup-tree.ts'
import type { HostReads } from '../host/host-reads.ts'
import { numberOf } from '../host/process-files.ts'
import { nothingOf, type Testimony } from './testimony.ts'

const PLACE = 'the counts of kills'
/** Groups that are looked at: only those below which anybody was killed are, so few. */
const MOST_GROUPS = 1024

export interface Counts extends Testimony {
  /** Processes of this boot killed for want of memory: `oom_kill` of /proc/vmstat (mm/oom_kill.c). */
  readonly kills: number | undefined
}

/** How many processes the kernel has killed for want of memory, in all and in each cgroup that is still there. */
export async function killCounts(reads: HostReads): Promise<Counts> {
  const kills = numberOf(await reads.text('proc/vmstat', { limit: VMSTAT_BYTES }), 'oom_kill')
  if (kills === undefined) return { kills, ...nothingOf(PLACE, reads.signal.reason) }
  return { kills, unseen: [], deaths: kills === 0 ? [] : await groupsKilledIn(reads) }
}

const VMSTAT_BYTES = 64 * 1024

/** A cgroup's `memory.events` count what is below it too, `memory.events.local` do not: Documentation/admin-guide/cgroup-v2.rst. */
async function groupsKilledIn(reads: HostReads): Promise<readonly Death[]> {
  const tree = await cgroupTree(reads)
  if (tree === undefined) return []
  const killsIn = async (path: string, file: string) =>
    numberOf(await reads.text(`${tree}${path}/${file}`, { optional: true, once: true }), 'oom_kill') ?? 0
  const deaths: Death[] = []
  const paths = ['']
  for (const path of paths) {
    if (paths.length > MOST_GROUPS) break
    // The root has no such file.
    if (path !== '' && (await killsIn(path, 'memory.events')) === 0) continue
    const count = path === '' ? 0 : await killsIn(path, 'memory.events.local')
    if (count > 0)
      deaths.push({ kind: 'oom', witness: 'cgroup', boot: 'this', subject: placeOf(path), count, evidence })
    const names = (await reads.names(tree + path, { optional: true, folders: true })) ?? []
    paths.push(...names.map((name) => `${path}/${name}`))
  }
  return deaths
}

const evidence = [{ artifact: 'facts.tar.zst', entry: 'cgroups.tsv' }] as const
