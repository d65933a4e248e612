import { formatBytes, formatDuration } from '../../../settings/units.ts'
import type { CoreFile } from './core-file.ts'

/** Cores in one capture. More are one crash, over and over; and each costs the plan, the manifest and a few requests. */
export const MOST_CORES = 500

export interface CoreChoice {
  /** Most wanted first. */
  readonly chosen: readonly { readonly core: CoreFile; readonly value: number }[]
  /** What is left out, and the setting that would take it: one sentence per setting. */
  readonly leftOut: readonly string[]
}

/** The boot that the host is in. */
export interface Boot {
  /** 32 hex digits */
  readonly id: string | undefined
  /** ms since the epoch */
  readonly began: number
}

export interface Circumstances {
  /** ms since the epoch */
  readonly now: number
  readonly boot: Boot
  /** Paths that an earlier capture has read already. */
  readonly read: ReadonlySet<string>
}

/**
 * Which cores to take: not yet read ones first, this boot's before earlier ones', the newest first; none older than `age`
 * (ms), no more than `limit` bytes together and no more than MOST_CORES. One that is too big keeps no smaller one out. Pure.
 */
export function chooseCores(
  cores: readonly CoreFile[],
  { limit, age }: { readonly limit: number; readonly age: number },
  circumstances: Circumstances,
): CoreChoice {
  const { now, read, boot } = circumstances
  const ordered = cores.toSorted(
    (a, b) =>
      Number(read.has(a.path)) - Number(read.has(b.path)) ||
      Number(ofThisBoot(b, boot)) - Number(ofThisBoot(a, boot)) ||
      b.at - a.at,
  )
  const old: CoreFile[] = []
  const beyond: CoreFile[] = []
  const tooMany: CoreFile[] = []
  const chosen: { core: CoreFile; value: number }[] = []
  let left = limit
  for (const core of ordered) {
    if (now - core.at > age) old.push(core)
    else if (chosen.length === MOST_CORES) tooMany.push(core)
    else if (core.bytes > left) beyond.push(core)
    else {
      left -= core.bytes
      chosen.push({ core, value: worthOf(core, chosen.length, circumstances) })
    }
  }
  return {
    chosen,
    leftOut: [
      ...(old.length > 0 ? [`${amount(old)}, older than cores.age = ${formatDuration(age)}`] : []),
      ...(beyond.length > 0 ? [`${amount(beyond)}, beyond cores.limit = ${formatBytes(limit)}`] : []),
      ...(tooMany.length > 0 ? [`${amount(tooMany)}, beyond the ${MOST_CORES} that one capture takes`] : []),
    ],
  }
}

/** Against 1000 of the facts: a service's crash in this boot is why people look; the same one twice is not. */
function worthOf(core: CoreFile, rank: number, circumstances: Circumstances): number {
  // Small, and says why the kernel died.
  if (core.kind === 'dmesg') return 800
  if (core.kind === 'vmcore') return 400
  const boot = ofThisBoot(core, circumstances.boot) ? 1 : 0.3
  const unread = circumstances.read.has(core.path) ? 0.1 : 1
  const service = isServiceUser(core.identity.uid) ? 1 : 0.5
  return Math.max(1, Math.round(500 * boot * unread * service * 0.9 ** rank))
}

/** Whether a core was written in this boot: by the boot's id where its name has one, else by its time. */
export function ofThisBoot({ identity, at }: CoreFile, { id, began }: Boot): boolean {
  return identity.bootId !== undefined && id !== undefined ? identity.bootId === id : at >= began
}

/** A file does not tell the unit; its user does nearly as well: system users, and those of DynamicUser= (systemd's UIDS-GIDS.md). */
function isServiceUser(uid: number | undefined): boolean {
  return uid === undefined || uid < 1000 || (uid >= 61184 && uid <= 65519)
}

function amount(cores: readonly CoreFile[]): string {
  const bytes = cores.reduce((sum, core) => sum + core.bytes, 0)
  return `${cores.length} core${cores.length === 1 ? '' : 's'}, ${formatBytes(bytes)}`
}
