import type { Stats } from 'node:fs'
import { sentence } from '../../words/cannot.ts'
import { countOf } from '../../words/count-of.ts'
import { plainName } from '../../words/plain.ts'
import { BLOCK_BYTES, type CoreFile, charge, isServiceUser, named, seen } from './core-file.ts'
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
  /** It is in memory: tmpfs. */
  readonly isVolatile: boolean
  /** ms since the epoch */
  readonly now: number
}

/** Files of one owner that are remembered where others may write, the newest: more than a capture takes. */
const REMEMBERED = 64
/** Owners that are remembered there, besides the system's users. */
const OWNERS = 256

/** A regular file as it was seen. */
interface Sighting {
  readonly name: Buffer
  readonly stats: Stats
  /** What core_pattern tells of its name. */
  readonly fields: Record<string, string> | undefined
}

/** What a look into one directory brings together: of a million files no more is kept than can be taken. */
export class Look {
  readonly ground: Ground
  readonly #seen = new Map<number, Sighting[]>()
  readonly #dumps: CoreFile[] = []
  readonly #dropped = new Map<number, Surplus>()
  readonly #failures = new Map<string, { first: Buffer; times: number }>()
  readonly #others = { irregular: 0, below: 0, strange: 0 }
  readonly problems: string[] = []

  constructor(ground: Ground) {
    this.ground = ground
  }

  /** A regular file; `fields` are what core_pattern tells of its name. */
  file(name: Buffer, stats: Stats, fields: Record<string, string> | undefined): void {
    if (!this.ground.kept && stats.nlink > 1) this.failed(name, 'it has another name elsewhere (a hard link)')
    else this.#add({ name, stats, fields })
  }

  /** What kdump has left in a directory below, and how many entries are there besides. */
  dumps(files: readonly CoreFile[], others: number): void {
    this.#dumps.push(...files)
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
  failed(name: Buffer, error: unknown): void {
    const code = error instanceof Error && 'code' in error ? String(error.code) : sentence(error)
    const known = this.#failures.get(code)
    if (known !== undefined) known.times++
    else this.#failures.set(code, { first: name, times: 1 })
  }

  get files(): readonly CoreFile[] {
    const found = [...this.#seen.values()].flat()
    return [...this.#dumps, ...found.map((sighting) => coreFile(this.ground, sighting, this.#isClaimed(sighting)))]
  }

  get surplus(): readonly Surplus[] {
    return [...this.#dropped.values()]
  }

  /** A sentence for each kind of failure. */
  get failures(): readonly string[] {
    const { directory } = this.ground
    return [...this.#failures].map(([why, { first, times }]) => {
      const more = times > 1 ? ` (and ${times - 1} more like it)` : ''
      return `cannot take ${plainName(named(Buffer.from(directory), first).path)}: ${why}${more}`
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

  #isClaimed({ stats: { uid } }: Sighting): boolean {
    const { kept, owned } = this.ground
    return !(kept || (owned && isHost(uid)))
  }

  #add(sighting: Sighting): void {
    const { uid } = sighting.stats
    const claimed = this.#isClaimed(sighting)
    const own = this.#seen.get(uid) ?? []
    if (claimed && own.length === 0 && this.#seen.size >= OWNERS && !isServiceUser(uid)) {
      this.#drop(sighting)
      return
    }
    this.#seen.set(uid, own)
    own.push(sighting)
    if (!claimed || own.length < 2 * REMEMBERED) return
    const at = ({ stats }: Sighting) => Math.min(stats.mtimeMs, this.ground.now)
    own.sort((a, b) => at(b) - at(a))
    for (const dropped of own.splice(REMEMBERED)) this.#drop(dropped)
  }

  #drop({ stats: { uid: owner, size, blocks } }: Sighting): void {
    const { directory } = this.ground
    const { files = 0, bytes = 0 } = this.#dropped.get(owner) ?? {}
    const charged = charge({ bytes: size, allocated: blocks * BLOCK_BYTES })
    this.#dropped.set(owner, { directory, owner, files: files + 1, bytes: bytes + charged })
  }
}

function coreFile(
  { directory, kept, isVolatile, now }: Ground,
  { name: raw, stats, fields }: Sighting,
  claimed: boolean,
): CoreFile {
  const file = named(Buffer.from(directory), raw)
  const name = raw.toString('utf8')
  const { path } = file
  const suffix = COMPRESSED.exec(name)?.[0] ?? ''
  const stem = name.slice(0, name.length - suffix.length)
  const common = { ...file, directory, ...seen(stats, now), suffix, owner: stats.uid, claimed, isVolatile }
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
