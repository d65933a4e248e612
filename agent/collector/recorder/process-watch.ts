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

/** Processes that are remembered, the largest: some 300 bytes each. */
const REMEMBERED = 4096
/** Processes between two looks at the time. */
const FEW = 8

/** A process that was looked at. */
interface Tracked {
  readonly pid: number
  /** Seconds after boot: another process of the same id has another. */
  readonly start: number
  readonly marks: Marks
  /** As the kernel has it, a character for each byte. */
  comm: string
  /** Processor time that it had used, s, when it was looked at last, ms since boot. */
  used: number
  at: number
  seen: Seen
}

/**
 * Which of the host's processes stand out. To look at one costs 15 µs, so those that stood out before are looked at, and others as far as
 * there is time, each in its turn: on a host with more of them than that, what is told of some is what an earlier look has seen.
 */
export class ProcessWatch {
  readonly #root: string
  readonly #files: KeptFiles
  readonly #pageBytes: number
  readonly #countsDescriptors: boolean
  readonly #tracked = new Map<number, Tracked>()
  /** They have neither memory nor descriptors. */
  #kernelThreads = new Set<number>()
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
    if (this.#turn.length === 0) this.#turn = this.#nextTurn()
    const before = new Set(this.#top)
    const first = [...before]
    for (let n = 1; n % FEW !== 0 || isTime(); n++) {
      const pid = first.pop() ?? this.#turn.pop()
      if (pid === undefined) break
      if (n <= before.size || !before.has(pid)) this.#lookAt(pid, at, n <= before.size)
    }
    const top = standOut(
      [...this.#tracked.values()].map(({ seen }) => seen),
      OF_PROCESSES,
    )
    this.#top = top.flatMap(({ who }) => who.pid ?? [])
    for (const pid of this.#top) before.delete(pid)
    for (const pid of before) this.#files.close(statOf(pid))
    void this.#askPlaces()
    return top
  }

  /** All there are; who is new comes last, and so has his turn first. */
  #nextTurn(): number[] {
    const pids = new Set(this.#pids())
    for (const pid of this.#tracked.keys()) if (!pids.has(pid)) this.#tracked.delete(pid)
    this.#kernelThreads = this.#kernelThreads.intersection(pids)
    if (this.#tracked.size > REMEMBERED) {
      const smallest = [...this.#tracked.values()].sort((a, b) => a.seen.memory - b.seen.memory)
      for (const { pid } of smallest.slice(0, -REMEMBERED / 2)) this.#tracked.delete(pid)
    }
    const others = [...pids].filter((pid) => !this.#kernelThreads.has(pid))
    const isKnown = (pid: number) => this.#tracked.has(pid)
    return [...others.filter(isKnown), ...others.filter((pid) => !isKnown(pid))]
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
  }

  #update(stat: Stat, at: number): Tracked {
    const { pid, comm, start, threads } = stat
    const known = this.#tracked.get(pid)
    const isSame = known !== undefined && known.start === start
    const one: Tracked = isSame ? known : anew(stat)
    const who = one.comm === comm ? one.seen.who : { ...one.seen.who, comm: shownName(comm) }
    const memory = Math.round(stat.rss / 1024)
    const used = stat.utime + stat.stime
    const cpu = at > one.at ? Math.max(0, (100_000 * (used - one.used)) / (at - one.at)) : 0
    const fds = this.#countsDescriptors ? this.#descriptors(pid) : Number.NaN
    Object.assign(one, { comm, used, at })
    one.seen = { who, memory, grown: one.marks.grown(memory, at), cpu, threads, fds }
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
      if (one === undefined || one.seen.who.unit !== undefined) continue
      const text = await readFile(join(this.#root, `proc/${pid}/cgroup`), 'latin1').catch(() => '')
      const { unit } = parseMembership(text) ?? {}
      if (unit !== undefined) Object.assign(one.seen.who, { unit })
    }
    this.#isAsking = false
  }
}

const statOf = (pid: number) => `proc/${pid}/stat`

/** One that has not been seen before: what it has used so far, it has used since its start. */
function anew({ pid, comm, start }: Stat): Tracked {
  const who: Who = { pid, comm: shownName(comm) }
  const seen = { who, memory: 0, grown: 0, cpu: 0, threads: 0, fds: Number.NaN }
  return { pid, start, comm, marks: new Marks(), used: 0, at: start * 1000, seen }
}
