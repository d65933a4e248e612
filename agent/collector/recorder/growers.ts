import type { History, Sample, Who } from './history.ts'

/** A process or service that grew in the last minutes of a history. */
export interface Grower {
  readonly who: Who
  /** KiB by which, in ten minutes or since it was first seen, and what it had then. */
  readonly grown: number
  readonly memory: number
  /** When that was: ms since the epoch. */
  readonly wall: number
  /** The kernel has killed it since, for want of memory. */
  readonly killed: boolean
}

/** ms over which growth is told (marks.ts). */
export const LAST_MS = 600_000
/** KiB: less explains nothing. */
const MUCH = 16 * 1024

/**
 * Who grew most in the last ten minutes, the most first; of one that has ended since, as it was seen last. A service is told where none of its
 * processes explains half of it.
 */
export function growers({ samples, kills }: History): readonly Grower[] {
  const most = new Map<string, Grower>()
  for (const { at, wall, top } of lastOf(samples)) {
    for (const { who, grown, memory } of top) {
      const key = who.pid === undefined ? `unit ${who.unit}` : `process ${who.pid}`
      if (!(grown >= Math.max(MUCH, most.get(key)?.grown ?? 0))) continue
      const killed = kills.some((kill) => kill.at >= at && kill.who.pid === who.pid && who.pid !== undefined)
      most.set(key, { who, grown, memory, wall, killed })
    }
  }
  const all = [...most.values()].sort((a, b) => b.grown - a.grown)
  const explains = (service: Grower) => (process: Grower) =>
    process.who.pid !== undefined && process.who.unit === service.who.unit && 2 * process.grown >= service.grown
  return all.filter((one) => one.who.pid !== undefined || !all.some(explains(one)))
}

/** The samples of the last ten minutes. */
export function lastOf(samples: readonly Sample[]): readonly Sample[] {
  const end = samples.at(-1)?.at ?? 0
  return samples.filter(({ at }) => end - at <= LAST_MS)
}
