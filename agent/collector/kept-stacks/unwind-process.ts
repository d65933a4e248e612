import { withinOwn } from '../../words/own-time.ts'
import type { Frame, FrameName, StackEnd } from '../unwind/frame.ts'
import type { ReadMemory } from '../unwind/image.ts'
import type { Images, OpenedFile } from '../unwind/images.ts'
import { ModuleMap } from '../unwind/module-map.ts'
import type { MappedFile } from '../unwind/modules.ts'
import type { MoreNames, Names } from '../unwind/names/names.ts'
import type { ThreadRegisters } from '../unwind/registers.ts'
import { Unwinder } from '../unwind/unwind.ts'
import type { SameStack } from './process-trace.ts'

/** ms for one process, of which we were run: some ten for hundreds of threads, unless its files hang or were made to take long. */
const PROCESS_MS = 5_000

/** A process whose threads are to be unwound. */
export interface StandingProcess extends MoreNames {
  readonly arch: 'x64' | 'arm64'
  readonly threads: readonly ThreadRegisters[]
  readonly memory: ReadMemory
  readonly mappings: readonly MappedFile[]
  /** Whether these are all mappings. */
  readonly isAll: boolean
  readonly fileOf: (mapping: MappedFile) => OpenedFile | undefined
}

/** What serves all processes: their files are mostly the same. */
export class Workshop {
  readonly images: Images
  readonly names: Names
  readonly unwinder = new Unwinder()

  constructor(images: Images, names: Names) {
    this.images = images
    this.names = names
  }
}

export interface UnwoundProcess {
  readonly stacks: readonly SameStack[]
  /** What is missing, one sentence each. */
  readonly missed: readonly string[]
}

/** The stacks of a process, with names; threads that stand at the same place together. Throws nothing but the signal's reason. */
export async function unwindProcess(
  process: StandingProcess,
  { images, names, unwinder }: Workshop,
  signal: AbortSignal,
): Promise<UnwoundProcess> {
  const { arch, threads, memory } = process
  const modules = new ModuleMap(process, images)
  const missed = new Set<string>()
  const same = new Map<string, { tids: number[]; frames: readonly Frame[]; end: StackEnd }>()
  const named = new Map<Frame, FrameName>()
  using limit = withinOwn(PROCESS_MS, signal)
  try {
    for (const thread of threads) {
      const { frames, end, damaged } = await unwinder.unwind({ arch, memory, modules }, thread, limit.signal)
      for (const sentence of damaged) missed.add(sentence)
      const key = `${frames.map(({ pc }) => pc).join(' ')} ${end.why}`
      const known = same.get(key)
      if (known === undefined) same.set(key, { tids: [thread.tid], frames, end })
      else known.tids.push(thread.tid)
    }
    const all = [...same.values()].flatMap(({ frames }) => frames)
    for (const [frame, name] of await names.of(all, process, limit.signal)) named.set(frame, name)
  } catch (error) {
    signal.throwIfAborted()
    if (!limit.signal.aborted) throw error
    const unwound = [...same.values()].reduce((sum, { tids }) => sum + tids.length, 0)
    missed.add(
      `its files took too long: ${unwound} of ${threads.length} threads were unwound, and not all of it has names`,
    )
  }
  const stacks = [...same.values()].map(({ tids, frames, end }) => ({
    ...{ tids, end },
    frames: frames.map((frame) => {
      const name = named.get(frame)
      return name === undefined ? frame : { ...frame, name }
    }),
  }))
  return { stacks, missed: [...missed] }
}
