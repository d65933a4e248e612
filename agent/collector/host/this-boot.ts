import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The boot that the host below `root` is in: 32 hex digits, as journald writes it; undefined without a /proc. */
export async function thisBootId(root: string): Promise<string | undefined> {
  const id = await readFile(join(root, 'proc/sys/kernel/random/boot_id'), 'latin1').catch(() => undefined)
  return id?.trim().replaceAll('-', '')
}

/** When this boot began, in ms since the epoch (`btime` in proc_stat(5)); 0 without a /proc. */
export async function bootTime(root: string): Promise<number> {
  const stat = await readFile(join(root, 'proc/stat'), 'latin1').catch(() => '')
  return Number(/^btime (\d+)$/m.exec(stat)?.[1] ?? 0) * 1000
}
