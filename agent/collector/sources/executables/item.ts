import { basename } from 'node:path'
import type { Executable } from '../../elf/executable.ts'
import { openMapped, openSame } from '../../host/open-file.ts'
import { readFrom } from '../../host/read-file.ts'
import { safeName } from '../../processes/core-table.ts'
import type { Found } from '../source.ts'
import type { Program } from './program.ts'

/** Below the cores that they are for. */
const VALUE = { program: 400, library: 200 } as const
/** What programs shrink to. */
const RATIO = 0.4

/** A program or library as an item of the inventory. */
export function executableItem(program: Program, { buildId }: Executable): Found {
  const { path, reach, stays, file, bytes, isMain, of } = program
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
      const found = stays ? await openSame(reach, file, signal) : await openMapped(reach, path, file, signal)
      return readFrom(found, found.stats.size, limit, signal)
    },
  }
}
