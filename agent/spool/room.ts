import { constants } from 'node:fs'
import { access, readFile, statfs } from 'node:fs/promises'
import { cannot } from '../words/cannot.ts'
import { IN_MEMORY } from '../words/in-memory.ts'
import { formatBytes } from '../words/units.ts'

/** Of what is free for us, so much stays free: whoever else writes there goes on until the host is up again. */
const STAYS_FREE = 1 / 4
/** With less free than this a file system is nearly full: what fits is not worth what it may break. */
const NEARLY_FULL = 2 * 1024 * 1024

/** statfs(2), f_type: an overlay is as good as what lies above. */
const OVERLAY = 0x794c7630

/**
 * Bytes for which there is room in a directory, of `most` at most. Throws where nothing may be kept there: it is not there or not ours
 * to write, is nearly full, or would not outlive a reboot.
 */
export async function roomIn(directory: string, most: number): Promise<number> {
  try {
    await access(directory, constants.W_OK | constants.X_OK)
    const { type, bavail, bsize } = await statfs(directory)
    if (IN_MEMORY.has(Number(type))) throw new Error('it lies in memory, and a reboot would lose it')
    if (Number(type) === OVERLAY) await checkOverlay(directory)
    const free = Number(bavail) * Number(bsize)
    if (free < NEARLY_FULL) throw new Error(`its file system is nearly full (${formatBytes(free)} are free)`)
    return Math.min(most, Math.floor(free * (1 - STAYS_FREE)))
  } catch (error) {
    throw cannot(`keep anything in ${directory}`, error)
  }
}

/** What is written to an overlay lies in its upper directory: of a live system or a container often in memory, or out of our sight. */
async function checkOverlay(directory: string): Promise<void> {
  const upper = upperOf(directory, await readFile('/proc/self/mountinfo', 'utf8'))
  const below = upper === undefined ? undefined : await statfs(upper).catch(() => undefined)
  const type = Number(below?.type)
  if (below !== undefined && !IN_MEMORY.has(type) && type !== OVERLAY) return
  throw new Error(
    `it lies in an overlay, ${below === undefined ? 'and nobody knows where' : 'in memory'}: a reboot would lose it`,
  )
}

/** The upper directory of the overlay that a path is on: proc_pid_mountinfo(5). */
export function upperOf(path: string, mountinfo: string): string | undefined {
  const mounts = mountinfo.split('\n').flatMap((line) => {
    const [own, ofSuper] = line.split(' - ', 2)
    const at = own?.split(' ')[4]
    const isAbove = at !== undefined && (at === '/' || path === at || path.startsWith(`${at}/`))
    return isAbove ? [{ at, ofSuper }] : []
  })
  // The last one at the deepest place is the one that is seen.
  const [seen] = mounts.reverse().sort((a, b) => b.at.length - a.at.length)
  const upper = /^overlay .*\bupperdir=([^,\s]+)/.exec(seen?.ofSuper ?? '')?.[1]
  return upper?.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}
