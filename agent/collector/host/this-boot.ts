import { readText } from './read-text.ts'

/** The boot that the host below `root` is in: 32 hex digits, as journald writes it; undefined without a /proc. */
export async function thisBootId(root: string, signal: AbortSignal): Promise<string | undefined> {
  return (await readText(root, 'proc/sys/kernel/random/boot_id', signal))?.trim().replaceAll('-', '')
}

/** When this boot began, in ms since the epoch (`btime` in proc_stat(5)); 0 without a /proc. */
export async function bootTime(root: string, signal: AbortSignal): Promise<number> {
  const stat = await readText(root, 'proc/stat', signal)
  return Number(/^btime (\d+)$/m.exec(stat ?? '')?.[1] ?? 0) * 1000
}
