import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { shownName } from '../../words/host-name.ts'
import { parseMembership } from '../../words/membership.ts'
import type { Seen, Who } from './history.ts'
import type { KeptFiles } from './kept-files.ts'
import { Marks } from './marks.ts'
import { OF_UNITS, standOut } from './ranking.ts'

/**
 * Where systemd mounts version 2, with all controllers, or nowhere (its "hybrid" has none): what /proc/self/mountinfo says may wait for somebody
 * who mounts.
 */
const MOUNT = 'sys/fs/cgroup'
/** Groups that are walked through for units, and units that are looked at. */
const GROUPS = 1024
const UNITS = 512
/** Between two walks, ms: one takes 30 µs a group. At once is only for when groups have come or gone. */
const WALK_MS = 60_000
const WALK_AGAIN_MS = 30_000
/** Units between two looks at the time. */
const FEW = 4

interface Tracked {
  /** Below the hierarchy's root, a character for each byte. */
  readonly path: string
  readonly marks: Marks
  /** Processor time that it had used, µs, when it was looked at last, ms since boot. */
  used: number
  at: number
  seen: Seen
}

/** Which of the host's services, scopes and containers stand out, by their control groups (version 2). */
export class UnitWatch {
  readonly #root: string
  readonly #files: KeptFiles
  #tracked: ReadonlyMap<string, Tracked> = new Map()
  #walked = Number.NEGATIVE_INFINITY
  /** How many groups there were, in the kernel's words; nothing where there is no such hierarchy. */
  #groups = ''
  #turn: Tracked[] = []
  #top: readonly Tracked[] = []

  constructor(root: string, files: KeptFiles) {
    this.#root = root
    this.#files = files
  }

  /** Looks at `at`, ms since boot, for as long as `isTime` says so. */
  look(at: number, isTime: () => boolean): readonly Seen[] {
    this.#walk(at)
    if (this.#turn.length === 0) this.#turn = [...this.#tracked.values()]
    const before = new Set(this.#top)
    const first = [...before]
    for (let n = 1; n % FEW !== 0 || isTime(); n++) {
      const one = first.pop() ?? this.#turn.pop()
      if (one === undefined) break
      if (n <= before.size || !before.has(one)) this.#lookAt(one, at)
    }
    const all = new Map([...this.#tracked.values()].map((one) => [one.seen, one]))
    const top = standOut([...all.keys()], OF_UNITS)
    this.#top = top.flatMap((seen) => all.get(seen) ?? [])
    return top
  }

  #walk(at: number): void {
    const age = at - this.#walked
    if (age < WALK_AGAIN_MS || (age < WALK_MS && this.#countGroups() === this.#groups)) return
    this.#walked = at
    this.#groups = this.#countGroups()
    const there = this.#groups === '' ? [] : unitsBelow(join(this.#root, MOUNT)).slice(0, UNITS)
    this.#tracked = new Map(there.map(({ path, unit }) => [path, this.#tracked.get(path) ?? anew(path, unit)]))
    this.#turn = []
    this.#top = this.#top.filter(({ path }) => this.#tracked.has(path))
  }

  /** How many there are, in the kernel's words. */
  #countGroups(): string {
    return this.#files.glance(`${MOUNT}/cgroup.stat`)
  }

  #lookAt(one: Tracked, at: number): void {
    const group = MOUNT + one.path
    const used = Number(/^usage_usec (\d+)/m.exec(this.#files.glance(`${group}/cpu.stat`))?.[1])
    const stat = this.#files.glance(`${group}/memory.stat`)
    const of = (name: string) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(stat)?.[1])
    const memory = Math.round((of('anon') + of('shmem')) / 1024)
    const cpu = at > one.at ? (used - one.used) / ((at - one.at) * 10) : NaN
    Object.assign(one, { used, at })
    const grown = Number.isNaN(memory) ? NaN : one.marks.grown(memory, at)
    one.seen = { who: one.seen.who, memory, grown, cpu, threads: NaN, fds: NaN }
  }
}

function anew(path: string, unit: string): Tracked {
  const who: Who = { unit }
  const seen = { who, memory: NaN, grown: NaN, cpu: NaN, threads: NaN, fds: NaN }
  return { path, marks: new Marks(), used: NaN, at: NaN, seen }
}

/** The groups of units and containers below a hierarchy's root; what a service has made for itself is in it. */
function unitsBelow(mount: string): { readonly path: string; readonly unit: string }[] {
  const units: { readonly path: string; readonly unit: string }[] = []
  const paths = ['']
  for (let next = 0; next < Math.min(paths.length, GROUPS); next++) {
    const path = paths[next] ?? ''
    const name = path.slice(path.lastIndexOf('/') + 1)
    const { unit, container } = parseMembership(`0::${path}`) ?? {}
    if (container !== undefined && name.includes(container)) units.push({ path, unit: unit ?? shownName(path) })
    else if (unit !== undefined && shownName(name) === unit) units.push({ path, unit })
    paths.push(...foldersIn(Buffer.from(mount + path, 'latin1')).map((folder) => `${path}/${folder}`))
  }
  return units
}

function foldersIn(path: Buffer): readonly string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true, encoding: 'latin1' })
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  } catch {
    return []
  }
}
