import { stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { abandonable, within } from '../../words/deadline.ts'
import { IN_MEMORY } from '../../words/in-memory.ts'
import { readText } from './read-text.ts'

/** The boot that the host is in. Times are ms since the epoch. */
export interface Boot {
  /** 32 hex digits */
  readonly id: string | undefined
  /** When it began, by what the clock says now. */
  readonly began: number
  /** The earliest time that the clock has shown in it, as far as that is known: before `began` where it was set forward since. */
  readonly earliest: number
}

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
  return IN_MEMORY.has((await statfs(path).catch(() => undefined))?.type ?? 0)
}

/** Whether a time (ms since the epoch) is one that a clock had. */
export const isPlausible = (at: number): boolean => at >= LEAST_PLAUSIBLE

/** The boot that the host below `root` is in: 32 hex digits, as journald writes it; undefined without a /proc. */
export async function thisBootId(root: string, signal: AbortSignal): Promise<string | undefined> {
  return (await readText(root, 'proc/sys/kernel/random/boot_id', signal))?.trim().replaceAll('-', '')
}

/** When this boot began, in ms since the epoch (`btime` in proc_stat(5)); 0 without a /proc. */
export async function bootTime(root: string, signal: AbortSignal): Promise<number> {
  const stat = await readText(root, 'proc/stat', signal)
  return Number(/^btime (\d+)$/m.exec(stat ?? '')?.[1] ?? 0) * 1000
}
