import { formatBytes, formatDuration } from '../../words/units.ts'
import type { Boot } from '../host/this-boot.ts'
import { bootOf, isOlder } from './boot.ts'
import { type CoreFile, charge, isServiceUser } from './core-file.ts'
import { shareOut, type Tier } from './shares.ts'
import { type Surplus, surplusOf } from './surplus.ts'

/** Cores in one capture. More are one crash, over and over; and each costs the plan, the manifest and a few requests. */
export const MOST_CORES = 500
/** Of these, files that others than the host may have written. A crash handler leaves few, and each is read before a great core is. */
export const MOST_CLAIMED = 32

/** What the host says crashed of the system, and of its users; then what others have laid where they may write. */
const TIERS: readonly Tier[] = [
  { weight: 2, most: MOST_CORES },
  { weight: 1, most: MOST_CORES },
  { weight: 1, most: MOST_CLAIMED },
]

/** Which boot comes first, and what a core of it is worth of one of this boot. */
const BOOTS = {
  this: { rank: 0, worth: 1 },
  unknown: { rank: 1, worth: 0.5 },
  earlier: { rank: 2, worth: 0.3 },
} as const

export interface CoreChoice {
  /** Most wanted first. */
  readonly chosen: readonly { readonly core: CoreFile; readonly value: number }[]
  /** What is left out, and the setting that would take it: one sentence per setting. */
  readonly leftOut: readonly string[]
  /** What others have laid down beyond their share: left out, whatever the settings are. */
  readonly surplus: readonly Surplus[]
}

export interface Circumstances {
  /** ms since the epoch */
  readonly now: number
  readonly boot: Boot
  /** Ids of the files that an earlier capture has read already. */
  readonly read: ReadonlySet<string>
  /** Chosen before, within the same limits: none, where it is not said. */
  readonly before?: readonly CoreFile[]
}

/**
 * Which cores to take: not yet read ones first, this boot's before earlier ones', the newest first; none older than `age`
 * (ms) for certain, no more than `limit` bytes on disk together and no more than MOST_CORES; of each owner a fair share. One that is too
 * big keeps no smaller one out. Pure.
 */
export function chooseCores(
  cores: readonly CoreFile[],
  { limit, age }: { readonly limit: number; readonly age: number },
  circumstances: Circumstances,
): CoreChoice {
  const { now, read, boot, before = [] } = circumstances
  const isOld = (core: CoreFile) => isOlder(core, age, now, boot)
  const wanted = cores
    .filter((core) => !isOld(core))
    .toSorted(
      (a, b) =>
        tierOf(a) - tierOf(b) ||
        Number(read.has(a.id)) - Number(read.has(b.id)) ||
        BOOTS[bootOf(a, boot)].rank - BOOTS[bootOf(b, boot)].rank ||
        b.at - a.at,
    )
  const wishes = wanted.map((core) => ({ item: core, bytes: charge(core), owner: core.owner, tier: tierOf(core) }))
  const tiers = TIERS.map(({ weight, most }, tier) => ({
    weight,
    most: most - before.filter((core) => tierOf(core) === tier).length,
  }))
  const bytes = limit - before.reduce((sum, core) => sum + charge(core), 0)
  const taken = shareOut(wishes, tiers, { bytes, places: MOST_CORES - before.length })
  const rest = wanted.filter((core) => !taken.has(core))
  const beyond = rest.filter(({ claimed }) => !claimed)
  const old = cores.filter(isOld)
  const isFull = taken.size + before.length === MOST_CORES
  return {
    chosen: wanted
      .filter((core) => taken.has(core))
      .map((core, rank) => ({ core, value: worthOf(core, rank, circumstances) })),
    leftOut: [
      ...(old.length > 0 ? [`${amount(old)}, older than cores.age = ${formatDuration(age)}`] : []),
      ...(beyond.length > 0 && !isFull ? [`${amount(beyond)}, beyond cores.limit = ${formatBytes(limit)}`] : []),
      ...(beyond.length > 0 && isFull ? [`${amount(beyond)}, beyond the ${MOST_CORES} that one capture takes`] : []),
    ],
    surplus: surplusOf(rest.filter(({ claimed }) => claimed)),
  }
}

/** Index into TIERS. */
function tierOf({ claimed, kind, owner }: CoreFile): number {
  if (claimed) return 2
  return kind === 'systemd' && !isServiceUser(owner) ? 1 : 0
}

/** Against 1000 of the facts: a service's crash in this boot is why people look; the same one twice is not. */
function worthOf(core: CoreFile, rank: number, circumstances: Circumstances): number {
  // Small, and says why the kernel died.
  if (core.kind === 'dmesg') return 800
  if (core.kind === 'vmcore') return 400
  const boot = BOOTS[bootOf(core, circumstances.boot)].worth
  const unread = circumstances.read.has(core.id) ? 0.1 : 1
  // What anybody may lay down comes after all that is the host's word.
  if (core.claimed && !isServiceUser(core.owner)) return 1
  const service = isServiceUser(core.owner) ? (core.claimed ? 0.5 : 1) : 0.5
  return Math.max(1, Math.round(500 * boot * unread * service * 0.9 ** rank))
}

function amount(cores: readonly CoreFile[]): string {
  const bytes = cores.reduce((sum, core) => sum + charge(core), 0)
  return `${cores.length} core${cores.length === 1 ? '' : 's'}, ${formatBytes(bytes)}`
}
