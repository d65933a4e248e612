import { stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { abandonable, within } from '../../words/deadline.ts'
import { bootTime, thisBootId } from '../host/this-boot.ts'
import type { CoreFile } from './core-file.ts'

/** The boot that the host is in. Times are ms since the epoch. */
export interface Boot {
  /** 32 hex digits */
  readonly id: string | undefined
  /** When it began, by what the clock says now. */
  readonly began: number
  /** The earliest time that the clock has shown in it, as far as that is known: before `began` where it was set forward since. */
  readonly earliest: number
}

/** File systems that are empty when a host starts: tmpfs and ramfs, statfs(2). */
const VOLATILE: ReadonlySet<number> = new Set([0x01021994, 0x858458f6])

/** No Linux that has this program's Node was started before: whoever has such a time had no clock. */
const LEAST_PLAUSIBLE = Date.UTC(2000, 0)

/** ms for what is asked of /run, which is in memory. */
const RUN_MS = 1_000

/** The boot of the host below `root`. */
export async function thisBoot(root: string, signal: AbortSignal): Promise<Boot> {
  const made = abandonable(madeAtBoot(join(root, 'run')), within(RUN_MS, signal)).catch(() => undefined)
  const [id, began, run] = await Promise.all([thisBootId(root, signal), bootTime(root, signal), made])
  return { id, began, earliest: Math.min(began, run !== undefined && isPlausible(run) ? run : began) }
}

/** When /run was made, by the clock of that moment: among the first things that a boot does. */
async function madeAtBoot(path: string): Promise<number | undefined> {
  return (await isVolatile(path)) ? (await stat(path).catch(() => undefined))?.birthtimeMs : undefined
}

/** Whether all that lies in a directory was written in this boot: it is in memory. */
export async function isVolatile(path: string): Promise<boolean> {
  return VOLATILE.has((await statfs(path).catch(() => undefined))?.type ?? 0)
}

/**
 * In which boot a core was written: by the boot's id where its name has one, by where it lies, else by its time. A time tells nothing that no
 * clock had, or that lies before this boot by a clock that was set since.
 */
export function bootOf({ identity, isVolatile, at }: CoreFile, boot: Boot): 'this' | 'unknown' | 'earlier' {
  if (identity.bootId !== undefined && boot.id !== undefined) return identity.bootId === boot.id ? 'this' : 'earlier'
  if (isVolatile || at >= boot.began) return 'this'
  return at >= boot.earliest || !isPlausible(at) ? 'unknown' : 'earlier'
}

/**
 * Whether a core is older than `age` ms for certain: what this boot has written is no older than the boot, whatever its time says, and a time
 * that no clock had says nothing.
 */
export function isOlder(core: CoreFile, age: number, now: number, boot: Boot): boolean {
  const isTold = bootOf(core, boot) === 'earlier' ? isPlausible(core.at) : core.at >= boot.began
  return isTold && now - core.at > age
}

const isPlausible = (at: number) => at >= LEAST_PLAUSIBLE
