import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const CACHE = join(import.meta.dirname, '../.cache/built')

/**
 * Fills a directory with what a compiler makes of a source: made once for this compiler, source and way to call it, and copied from
 * then on. `make`: calls it, to build into the directory that it is given.
 */
export function built(
  directory: string,
  source: string,
  [compiler, ...options]: readonly [string, ...string[]],
  make: (directory: string) => void,
): void {
  const { path, mtimeMs, size } = found(compiler)
  const key = createHash('sha256').update(
    JSON.stringify([path, mtimeMs, size, options, source, readFileSync(source, 'utf8')]),
  )
  const kept = join(CACHE, key.digest('hex'))
  mkdirSync(CACHE, { recursive: true })
  const making = mkdtempSync(join(CACHE, 'making-'))
  try {
    if (statSync(kept, { throwIfNoEntry: false }) === undefined) {
      make(making)
      renameSync(making, kept)
    }
  } catch (error) {
    // Another test has made the same meanwhile.
    if (statSync(kept, { throwIfNoEntry: false }) === undefined) throw error
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
  cpSync(kept, directory, { recursive: true })
}

function found(program: string): { path: string; mtimeMs: number; size: number } {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(directory, program)
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats !== undefined) return { path, mtimeMs: stats.mtimeMs, size: stats.size }
  }
  throw new Error(`${program} is not installed`)
}
