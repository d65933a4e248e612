import type { Stats } from 'node:fs'

/** A file as the walk has seen it, by stat. Paths have a character for each byte (words/host-name.ts). */
export interface Seen {
  /** As it was named. */
  readonly path: string
  /** The same without links: what is opened. */
  readonly real: string
  readonly dev: number
  readonly ino: number
  /** An inode's number is given away again at once; when it was made is not the same then. */
  readonly birthMs: number
  readonly size: number
  /** Bytes of it that are no holes. */
  readonly held: number
  readonly uid: number
  readonly gid: number
  readonly mode: number
  /** ms since the epoch */
  readonly mtimeMs: number
}

/** Unit of `blocks`: stat(3type). */
const BLOCK = 512

export function seenAs(path: string, real: string, stats: Stats): Seen {
  const { dev, ino, size, uid, gid, mode, mtimeMs } = stats
  const held = Math.min(size, stats.blocks * BLOCK)
  return { path, real, dev, ino, birthMs: stats.birthtimeMs, size, held, uid, gid, mode: mode & 0o7777, mtimeMs }
}

/** Whether it is the same file, whatever it is called by now. */
export function isSame(seen: Pick<Seen, 'dev' | 'ino' | 'birthMs'>, { dev, ino, birthtimeMs }: Stats): boolean {
  return seen.dev === dev && seen.ino === ino && seen.birthMs === birthtimeMs
}
