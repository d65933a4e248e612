import { withinOwn } from '../../../words/own-time.ts'
import { below, type CoreFile } from '../../crashed-cores/core-file.ts'
import { CoreStart } from '../../crashed-cores/core-start.ts'
import { openSame } from '../../host/open-file.ts'
import { type UnwoundProcess, unwindProcess, type Workshop } from '../../kept-stacks/unwind-process.ts'
import { machineOf } from '../../live-core/machine.ts'
import { type CoreProcess, readCoreProcess } from '../../unwind/core-process.ts'
import { heldMemory } from '../../unwind/held-memory.ts'
import { VDSO } from '../../unwind/module-map.ts'
import { CoreFiles, PAGE_BYTES } from './core-files.ts'
import { memoryOf, type Wanted } from './core-memory.ts'

/** ms for one core, of which we were run: a compressed one of a GiB takes two to pass by. */
const CORE_MS = 10_000
/** Of each stack, from below its pointer on; of all together. */
const STACK_BYTES = 256 * 1024
const ALL_BYTES = 32 * 1024 * 1024
/** Files whose first page is read: four times as many as are opened. */
const MOST_PAGES = 1_024
/** Threads that are unwound of one core, the one that crashed first. */
const MOST_THREADS = 2_048

/**
 * The stacks of a crashed process, from its core: what is needed of it is read as it passes by. Its files are those on the host, so none is
 * read for a core that anybody may have written. Throws where it is no core that can be read, and the signal's reason.
 */
export async function crashTrace(
  root: string,
  core: CoreFile,
  workshop: Workshop,
  parent: AbortSignal,
): Promise<UnwoundProcess> {
  using limit = withinOwn(CORE_MS, parent)
  const { signal } = limit
  const file = await openSame(below(root, core.raw), core.file, signal)
  using _ = file.handle
  using start = new CoreStart(file, core.suffix, signal)
  const process = await readCoreProcess(start.readAt)
  if (process === undefined) throw new Error('it is no core of a kind that is unwound here')
  if (process.threads.length === 0) throw new Error('it tells of no thread')
  const pieces = await memoryOf(file, core.suffix, process, wantedOf(process), signal)
  const memory = heldMemory(pieces)
  using files = new CoreFiles()
  await files.open(root, process, memory, core.at, signal)
  const { arch, mappings } = process
  const threads = process.threads.slice(0, MOST_THREADS)
  const standing = { arch, threads, memory, mappings, isAll: false, fileOf: files.fileOf, debugImage: NONE }
  const { stacks, missed } = await unwindProcess(standing, workshop, parent)
  const left = process.threads.length - threads.length
  return { stacks, missed: left > 0 ? [...missed, `${left} more threads were not unwound`] : missed }
}

const NONE = async () => undefined

/** Stacks, the thread's that crashed first, the vdso, and the first page of each file. */
function wantedOf({ arch, threads, mappings }: CoreProcess): readonly Wanted[] {
  const machine = machineOf(arch)
  if (machine === undefined) return []
  const share = Math.min(STACK_BYTES, Math.floor(ALL_BYTES / threads.length))
  const stacks = threads.slice(0, MOST_THREADS).flatMap(({ registers }) => {
    if (registers.length < machine.sp + 8) return []
    const start = Number(registers.readBigUInt64LE(machine.sp)) - machine.redZone
    return [{ start, length: share }]
  })
  const vdso = mappings.filter(({ path }) => path === VDSO).map(({ start, end }) => ({ start, length: end - start }))
  const files = mappings.filter(({ path, offset }) => path !== VDSO && offset === 0).slice(0, MOST_PAGES)
  return [...stacks, ...vdso, ...files.map(({ start }) => ({ start, length: PAGE_BYTES }))]
}
