import type { Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { abandonable } from '../../../words/deadline.ts'
import { shownName } from '../../../words/host-name.ts'
import { withinOwn } from '../../../words/own-time.ts'
import { isAbsent } from '../../host/absent.ts'
import { type Mapping, readMappings } from '../../host/mappings.ts'
import type { HostProcess } from '../../processes/host-process.ts'
import type { Program } from './program.ts'

/** ms for one process, of which we were run: its mappings are behind a lock that somebody may hold for good. Most take a few. */
const PROCESS_MS = 300

/** Programs and libraries that living processes have mapped, each file once. */
export interface MappedFiles {
  readonly programs: readonly Program[]
  /** What could not be looked at, and why: one sentence each. */
  readonly problems: readonly string[]
}

/** What these processes run, as far as it can be read in `ms`. Touches none of them; a process that has ended has nothing mapped. */
export async function mappedFiles(
  root: string,
  processes: readonly HostProcess[],
  ms: number,
  signal: AbortSignal,
): Promise<MappedFiles> {
  const programs = new Map<string, Program>()
  const problems: string[] = []
  const until = performance.now() + ms
  for (const [at, process] of processes.entries()) {
    if (performance.now() > until) {
      problems.push(`there was no time for ${processes.length - at} of ${processes.length} processes`)
      break
    }
    const { pid, comm } = process
    using limit = withinOwn(PROCESS_MS, signal)
    try {
      const mappings = await readMappings(join(root, 'proc', String(pid), 'maps'), limit.signal)
      for (const mapping of mappings.filter(isCode)) {
        const key = `${mapping.device} ${mapping.inode}`
        const program = programs.has(key) ? undefined : await programOf(root, process, mapping, limit.signal)
        if (program !== undefined) programs.set(key, program)
      }
    } catch (error) {
      if (!isAbsent(error))
        problems.push(`${comm}[${pid}]: ${limit.signal.aborted ? 'it does not answer' : String(error)}`)
    }
  }
  return { programs: [...programs.values()], problems }
}

const isCode = ({ inode, permissions, path }: Mapping) => inode !== 0 && permissions[2] === 'x' && path.startsWith('/')

async function programOf(
  root: string,
  { pid, comm, exe, unit, container }: HostProcess,
  { start, end, path: mapped }: Mapping,
  signal: AbortSignal,
): Promise<Program | undefined> {
  const name = shownName(mapped)
  const path = name.replace(/ \(deleted\)$/, '')
  // The very file, be it deleted or in another mount namespace: proc_pid_map_files(5). That takes CAP_SYS_ADMIN.
  const link = join(root, 'proc', String(pid), 'map_files', `${start.toString(16)}-${end.toString(16)}`)
  const [there, own] = [await look(link, signal), await look(join(root, path), signal)]
  const stays = own !== undefined && (there === undefined || (there.dev === own.dev && there.ino === own.ino))
  const stats = stays ? own : there
  if (stats === undefined) return undefined
  return {
    ...{ path, stays, reach: stays ? join(root, path) : link },
    tree: stays ? root : join(root, 'proc', String(pid), 'root'),
    file: { dev: stats.dev, ino: stats.ino },
    bytes: stats.size,
    isMain: exe === name,
    of: { pid, comm, ...(unit !== undefined && { unit }), ...(container !== undefined && { container }) },
  }
}

async function look(path: string, signal: AbortSignal): Promise<Stats | undefined> {
  const stats = await abandonable(stat(path), signal).catch(() => undefined)
  signal.throwIfAborted()
  return stats?.isFile() ? stats : undefined
}
