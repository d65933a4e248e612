import { readdirSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { shownName } from '../../words/host-name.ts'
import { parseMembership } from '../../words/membership.ts'
import { parseStat, type Stat } from '../host/process-files.ts'
import { countsDescriptors, numbered } from '../host/processes.ts'
import type { Seen, Who } from './history.ts'
import type { KeptFiles } from './kept-files.ts'
import { Marks } from './marks.ts'
import { OF_PROCESSES, standOut } from './ranking.ts'

/** Processes that are remembered, the largest, and a quarter more until they are counted: a KiB each. */
const REMEMBERED = 1024
const MOST = REMEMBERED * 1.25
/** Processes between two looks at the time. */
const FEW = 8

/** A process that was looked at, and what was seen of it last. */
interface Tracked extends Seen {
  who: Who & { readonly pid: number }
  memory: number
  grown: number
  cpu: number
  threads: number
  fds: number
  /** Seconds after boot: another process of the same id has another. */
  readonly start: number
  readonly marks: Marks
  /** Processor time that it had used, s, when it was looked at last, ms since boot. */
  used: number
  at: number
}

/**
 * Which of the host's processes stand out. To look at one costs 15 µs, so those that stood out before are looked at, those that are new, and others
 * as far as there is time, each in its turn: on a host with more of them than that, what is told of some is what an earlier look has seen.
 */
export class ProcessWatch {
  readonly #root: string
  readonly #files: KeptFiles
  readonly #pageBytes: number
  readonly #countsDescriptors: boolean
  readonly #tracked = new Map<number, Tracked>()
  /** They have neither memory nor descriptors. */
  #kernelThreads = new Set<number>()
  /** Those that were looked at. */
  #met = new Set<number>()
  #turn: number[] = []
  #top: readonly number[] = []
  #isAsking = false

  constructor(root: string, files: KeptFiles, pageBytes: number) {
    this.#root = root
    this.#files = files
    this.#pageBytes = pageBytes
    this.#countsDescriptors = countsDescriptors(files.glance('proc/sys/kernel/osrelease'))
  }

  /** Looks at `at`, ms since boot, for as long as `isTime` says so. */
  look(at: number, isTime: () => boolean): readonly Seen[] {
    const pids = this.#present()
    if (this.#turn.length === 0) this.#turn = pids.filter((pid) => !this.#kernelThreads.has(pid))
    // Who leaks quickly must not wait for his turn.
    const fresh = pids.filter((pid) => !this.#met.has(pid))
    const before = new Set(this.#top)
    const first = [...before]
    const looked = new Set<number>()
    while ((looked.size + 1) % FEW !== 0 || isTime()) {
      const pid = first.pop() ?? fresh.pop() ?? this.#turn.pop()
      if (pid === undefined) break
      if (looked.has(pid)) continue
      looked.add(pid)
      this.#met.add(pid)
      this.#lookAt(pid, at, before.has(pid))
    }
    const top = standOut([...this.#tracked.values()], OF_PROCESSES)
    this.#top = top.map(({ who }) => who.pid)
    for (const pid of this.#top) before.delete(pid)
    for (const pid of before) this.#files.close(statOf(pid))
    void this.#askPlaces()
    return top.map(({ who, memory, grown, cpu, threads, fds }) => ({ who, memory, grown, cpu, threads, fds }))
  }

  /** All there are; who is gone is forgotten. */
  #present(): readonly number[] {
    const pids = this.#pids()
    const present = new Set(pids)
    for (const pid of this.#tracked.keys()) if (!present.has(pid)) this.#tracked.delete(pid)
    this.#kernelThreads = this.#kernelThreads.intersection(present)
    this.#met = this.#met.intersection(present)
    return pids
  }

  #pids(): readonly number[] {
    try {
      return numbered(readdirSync(join(this.#root, 'proc')))
    } catch {
      return []
    }
  }

  /** Those that stand out are kept open. */
  #lookAt(pid: number, at: number, isTop: boolean): void {
    const text = isTop ? this.#files.read(statOf(pid)) : this.#files.glance(statOf(pid))
    const stat = parseStat(text, this.#pageBytes)
    if (stat === undefined) this.#tracked.delete(pid)
    else if (stat.kernelThread) this.#kernelThreads.add(pid)
    else this.#tracked.set(pid, this.#update(stat, at))
    if (this.#tracked.size > MOST) this.#forgetSmall()
  }

  /** The smallest, but for those that stood out. */
  #forgetSmall(): void {
    const top = new Set(this.#top)
    const others = [...this.#tracked.values()].filter(({ who }) => !top.has(who.pid))
    const smallest = others.sort((a, b) => a.memory - b.memory)
    for (const { who } of smallest.slice(0, this.#tracked.size - REMEMBERED)) this.#tracked.delete(who.pid)
  }

  #update(stat: Stat, at: number): Tracked {
    const { pid, comm, start, threads } = stat
    const known = this.#tracked.get(pid)
    const isSame = known !== undefined && known.start === start
    const one: Tracked = isSame ? known : anew(stat)
    // It may have called itself anew.
    if (one.who.comm !== comm && one.who.comm !== shownName(comm)) one.who = { ...one.who, comm: shownName(comm) }
    const used = stat.utime + stat.stime
    one.cpu = at > one.at ? Math.max(0, (100_000 * (used - one.used)) / (at - one.at)) : 0
    one.used = used
    one.at = at
    one.memory = Math.round(stat.rss / 1024)
    one.grown = one.marks.grown(one.memory, at)
    one.threads = threads
    one.fds = this.#countsDescriptors ? this.#descriptors(pid) : Number.NaN
    return one
  }

  #descriptors(pid: number): number {
    try {
      return statSync(join(this.#root, `proc/${pid}/fd`)).size
    } catch {
      return Number.NaN
    }
  }

  /**
   * In which units those are that stand out. To say so the kernel may wait for a lock of all groups, which has been seen to hang: so it is asked
   * by the pool, one at a time, and what is learned holds for what was seen before, too. Who is in none is asked again: he may still be put there.
   */
  async #askPlaces(): Promise<void> {
    if (this.#isAsking) return
    this.#isAsking = true
    for (const pid of this.#top) {
      const one = this.#tracked.get(pid)
      if (one === undefined || one.who.unit !== undefined) continue
      const text = await readFile(join(this.#root, `proc/${pid}/cgroup`), 'latin1').catch(() => '')
      const { unit } = parseMembership(text) ?? {}
      if (unit !== undefined) Object.assign(one.who, { unit })
    }
    this.#isAsking = false
  }
}

const statOf = (pid: number) => `proc/${pid}/stat`

/** One that has not been seen before: what it has used so far, it has used since its start. */
function anew({ pid, comm, start }: Stat): Tracked {
  const seen = { memory: 0, grown: 0, cpu: 0, threads: 0, fds: Number.NaN }
  return { ...seen, who: { pid, comm: shownName(comm) }, start, marks: new Marks(), used: 0, at: start * 1000 }
}
