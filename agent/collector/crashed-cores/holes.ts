import { statfs } from 'node:fs/promises'
import { abandonable } from '../../words/deadline.ts'
import type { System } from '../host/ffi.ts'
import type { OpenFile } from '../host/open-file.ts'
import { BLOCK_BYTES } from './core-file.ts'

/**
 * File systems that ask nobody else where a file's data lie, by statfs(2): ext4, XFS, Btrfs, tmpfs, F2FS, overlay, ZFS, bcachefs. The question
 * is asked on this thread, which nobody on a network may hold up.
 */
const LOCAL: ReadonlySet<number> = new Set([
  ...[0xef53, 0x58465342, 0x9123683e, 0x01021994],
  ...[0xf2f52010, 0x794c7630, 0x2fc12fc1, 0xca451a4e],
])

/**
 * The same file, which knows its holes where it has some and this Node can ask for them. Else all of it is read, holes too: they are zeros,
 * and take their time.
 */
export async function knowingHoles(file: OpenFile, system: System, signal: AbortSignal): Promise<OpenFile> {
  const { size, blocks } = file.stats
  if (system.kind === 'missing' || blocks * BLOCK_BYTES >= size) return file
  // By the descriptor, as a path may lead elsewhere by now.
  const asked = abandonable(statfs(`/proc/self/fd/${file.handle.fd}`), signal)
  const { type } = await asked.catch(() => ({ type: 0 }))
  if (!LOCAL.has(type)) return file
  let known = { from: 0, data: 0 }
  return {
    ...file,
    nextData(at) {
      if (at < known.from || at >= known.data) known = { from: at, data: system.seekData(file.handle.fd, at) ?? at }
      return known.data
    },
  }
}
