import type { Stats } from 'node:fs'
import { join } from 'node:path'
import { sentence } from '../../../cannot.ts'
import { countOf } from '../../../count-of.ts'
import { plainName } from '../../plain-words.ts'
import { type CoreFile, charge, isServiceUser, seen } from './core-file.ts'
import { COMPRESSED, parseCoredumpName } from './coredump-name.ts'
import { isHost } from './keepers.ts'
import type { Surplus } from './surplus.ts'

/** What is known of a directory before it is looked into. */
export interface Ground {
  readonly directory: string
  /** Nobody but the host may put something there: names and attributes are its word. */
  readonly kept: boolean
  /** What belongs to the host was put there by the host, under that name. */
  readonly owned: boolean
  /** ms since the epoch */
  readonly now: number
}

/** Files of one owner that are remembered where others may write, the newest: more than a capture takes. */
const REMEMBERED = 64
/** Owners that are remembered there, besides the system's users. */
const OWNERS = 256

/** What a look into one directory brings together: of a million files no more is kept than can be taken. */
export class Look {
  readonly ground: Ground
  readonly #files = new Map<number, CoreFile[]>()
  readonly #dropped = new Map<number, Surplus>()
  readonly #failures = new Map<string, { first: string; times: number }>()
  readonly #others = { irregular: 0, below: 0, strange: 0 }
  readonly problems: string[] = []

  constructor(ground: Ground) {
    this.ground = ground
  }

  /** A regular file; `fields` are what core_pattern tells of its name. */
  file(name: string, stats: Stats, fields: Record<string, string> | undefined): void {
    const { kept, owned } = this.ground
    if (!kept && stats.nlink > 1) this.failed(name, 'it has another name elsewhere (a hard link)')
    else this.#add(coreFile(this.ground, name, stats, fields, !(kept || (owned && isHost(stats.uid)))))
  }

  /** What kdump has left in a directory below, and how many entries are there besides. */
  dumps(files: readonly CoreFile[], others: number): void {
    for (const file of files) this.#add(file)
    this.#others.below += others
  }

  irregular(): void {
    this.#others.irregular++
  }

  /** A directory below that others may have filled. */
  strange(): void {
    this.#others.strange++
  }

  /** An entry that cannot be looked at or taken. */
  failed(name: string, error: unknown): void {
    const code = error instanceof Error && 'code' in error ? String(error.code) : sentence(error)
    const known = this.#failures.get(code)
    if (known !== undefined) known.times++
    else this.#failures.set(code, { first: name, times: 1 })
  }

  get files(): readonly CoreFile[] {
    return [...this.#files.values()].flat()
  }

  get surplus(): readonly Surplus[] {
    return [...this.#dropped.values()]
  }

  /** A sentence for each kind of failure. */
  get failures(): readonly string[] {
    const { directory } = this.ground
    return [...this.#failures].map(([why, { first, times }]) => {
      const more = times > 1 ? ` (and ${times - 1} more like it)` : ''
      return `cannot take ${plainName(join(directory, first))}: ${why}${more}`
    })
  }

  /** A sentence for what is not taken as no core would be like that. */
  get leftOut(): readonly string[] {
    const { irregular, below, strange } = this.#others
    const parts = [
      ...(irregular > 0 ? [`${irregular} that are no regular files`] : []),
      ...(below > 0 ? [`${below} in subdirectories (name those in cores.directories to take what is in them)`] : []),
      ...(strange > 0 ? [`${countOf(strange, 'subdirectory', 'subdirectories')} that others than root may fill`] : []),
    ]
    return parts.length > 0 ? [`entries of ${this.ground.directory}: ${parts.join(', ')}`] : []
  }

  #add(core: CoreFile): void {
    const { owner, claimed } = core
    const own = this.#files.get(owner) ?? []
    if (claimed && own.length === 0 && this.#files.size >= OWNERS && !isServiceUser(owner)) {
      this.#drop(core)
      return
    }
    this.#files.set(owner, own)
    own.push(core)
    if (!claimed || own.length < 2 * REMEMBERED) return
    own.sort((a, b) => b.at - a.at)
    for (const dropped of own.splice(REMEMBERED)) this.#drop(dropped)
  }

  #drop(core: CoreFile): void {
    const { owner, directory } = core
    const { files = 0, bytes = 0 } = this.#dropped.get(owner) ?? {}
    this.#dropped.set(owner, { directory, owner, files: files + 1, bytes: bytes + charge(core) })
  }
}

function coreFile(
  { directory, kept, now }: Ground,
  name: string,
  stats: Stats,
  fields: Record<string, string> | undefined,
  claimed: boolean,
): CoreFile {
  const path = join(directory, name)
  const suffix = COMPRESSED.exec(name)?.[0] ?? ''
  const stem = name.slice(0, name.length - suffix.length)
  const common = { path, directory, ...seen(stats, now), suffix, owner: stats.uid, claimed }
  const coredump = kept ? parseCoredumpName(name) : undefined
  if (coredump !== undefined) {
    const { pid, uid, bootId } = coredump
    const [comm, at] = [plainName(coredump.comm), Math.min(coredump.at, now)]
    const identity = { path, comm, pid, uid, bootId, at }
    return { ...common, kind: 'systemd', label: `${comm}.${pid}.core`, at, owner: uid, identity }
  }
  const { at } = common
  const whose = { path, at, ...(claimed && { claimed }) }
  if (name.endsWith('.crash')) {
    return { ...common, kind: 'report', label: stem, identity: claimed ? { ...whose, uid: stats.uid } : whose }
  }
  const comm = fields?.comm === undefined ? undefined : plainName(fields.comm)
  const [pid, signal] = [integer(fields?.pid), integer(fields?.signal)]
  // The kernel gives a core to the user whose process it was.
  const identity = { ...whose, uid: stats.uid, ...defined({ comm, pid, signal }) }
  const label = comm !== undefined && pid !== undefined ? `${comm}.${pid}.core` : stem
  return { ...common, kind: 'plain', label, identity }
}

const integer = (text: string | undefined) => (text === undefined ? undefined : Number.parseInt(text, 10))

function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}
