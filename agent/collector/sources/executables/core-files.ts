import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { abandonable } from '../../../words/deadline.ts'
import { below, type CoreFile } from '../../crashed-cores/core-file.ts'
import { CoreStart } from '../../crashed-cores/core-start.ts'
import { mappedFilesOf } from '../../crashed-cores/elf-head.ts'
import { openSame } from '../../host/open-file.ts'
import type { Program } from './program.ts'

/** Cores that are looked into, the most wanted; each costs some ms. More are one crash, over and over. */
const MOST_CORES = 8

/** Programs and libraries of crashed processes, as they lie on the host now, each file once. The most wanted core comes first. */
export async function filesOfCores(
  root: string,
  cores: readonly CoreFile[],
  signal: AbortSignal,
): Promise<readonly Program[]> {
  const programs = new Map<string, Program>()
  for (const core of cores.slice(0, MOST_CORES)) {
    for (const [at, path] of (await namedBy(root, core, signal)).entries()) {
      const own = programs.has(path) ? undefined : await programAt(root, path, at === 0, core, signal)
      if (own !== undefined) programs.set(path, own)
    }
  }
  return [...programs.values()]
}

/** Paths of the files that were mapped, the program's first; none of a core that does not tell. */
async function namedBy(root: string, core: CoreFile, signal: AbortSignal): Promise<readonly string[]> {
  const file = await openSame(below(root, core.raw), core.file, signal).catch(() => undefined)
  if (file === undefined) return []
  using _ = file.handle
  using start = new CoreStart(file, core.suffix, signal)
  return (await mappedFilesOf(start.readAt).catch(() => undefined)) ?? []
}

async function programAt(
  root: string,
  path: string,
  isMain: boolean,
  { identity: { pid, comm } }: CoreFile,
  signal: AbortSignal,
): Promise<Program | undefined> {
  const reach = join(root, path)
  const stats = await abandonable(stat(reach), signal).catch(() => undefined)
  signal.throwIfAborted()
  if (!stats?.isFile()) return undefined
  const of = { ...(pid !== undefined && { pid }), ...(comm !== undefined && { comm }) }
  const { dev, ino, size: bytes } = stats
  return { path, reach, stays: true, tree: root, file: { dev, ino }, bytes, isMain, of }
}
