import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import { cannot } from '../../../words/cannot.ts'
import { abandonable } from '../../../words/deadline.ts'
import type { Executable } from '../../elf/executable.ts'
import { type OpenFile, openSame, readFrom } from '../../host/read-file.ts'
import { safeName } from '../../processes/core-table.ts'
import type { Found } from '../source.ts'
import type { Program } from './program.ts'

/** Below the cores that they are for. */
const VALUE = { program: 400, library: 200 } as const
/** What programs shrink to. */
const RATIO = 0.4

/** A program or library as an item of the inventory. */
export function executableItem(program: Program, { buildId }: Executable): Found {
  const { path, stays, file, bytes, isMain, of } = program
  const { comm, pid, ...owner } = of
  const id = buildId ?? `inode-${file.dev.toString(16)}-${file.ino}`
  return {
    id,
    source: 'executables',
    name: `executables/${id}/${safeName(basename(path))}.zst`,
    // People build keys into their programs, and the programs themselves are theirs.
    class: 'memory',
    phase: stays ? 'stored' : 'live',
    encoding: 'frames',
    bytes,
    ratio: RATIO,
    value: isMain ? VALUE.program : VALUE.library,
    identity: {
      path,
      ...owner,
      ...(buildId !== undefined && { buildId }),
      ...(comm !== undefined && {
        details: { source: 'executables', comm, ...(pid !== undefined && { pid }) } as const,
      }),
    },
    async open(limit, signal) {
      const found = stays ? await openSame(program.reach, file, signal) : await openMapped(program, signal)
      return readFrom(found, found.stats.size, limit, signal)
    },
  }
}

/** Opens what a process has mapped, by the kernel's own link to it, which `openSame` does not follow. */
async function openMapped({ path, reach, file }: Program, signal: AbortSignal): Promise<OpenFile> {
  const opening = open(reach, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const handle = await abandonable(opening, signal)
    const stats = await handle.stat()
    if (stats.isFile() && stats.dev === file.dev && stats.ino === file.ino) return { path: reach, handle, stats }
    await handle.close()
    throw new Error('the process has mapped something else since')
  } catch (error) {
    opening.then((handle) => handle.close()).catch(() => {})
    throw cannot(`open ${path}, which was mapped as ${reach}`, error)
  }
}
