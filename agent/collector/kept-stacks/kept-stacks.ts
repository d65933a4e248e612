import { countOf } from '../../words/count-of.ts'
import type { Stand } from '../../words/details.ts'
import type { ThreadState } from '../live-core/registers.ts'
import type { StackCore } from '../live-core/stack-core.ts'
import type { HostProcess } from '../processes/host-process.ts'
import { heldMemory } from '../unwind/held-memory.ts'
import { Images } from '../unwind/images.ts'
import { Names } from '../unwind/names/names.ts'
import type { ThreadRegisters } from '../unwind/registers.ts'
import { MappedFiles } from './mapped-files.ts'
import { rankOf } from './order.ts'
import type { ProcessTrace, SeenThread } from './process-trace.ts'
import { type StandingProcess, type UnwoundProcess, unwindProcess, Workshop } from './unwind-process.ts'

/** Registers and stacks that are kept; of what is beyond, the frames. */
const MOST_BYTES = 32 * 1024 * 1024
/** arm64: NT_ARM_PAC_MASK of Linux's include/uapi/linux/elf.h. */
const PAC_MASK = 0x406
/** Processes of which it is told why there is nothing; of more, that is the same. */
const MOST_LACKS = 256
/** ms after which nobody comes for them any more: the longest deadline that settings may give a capture. */
const KEPT_MS = 30 * 60_000

/** One process that stood still: what its threads are unwound from, or what came of it. */
interface Kept {
  readonly process: HostProcess
  readonly freezeMs: number
  readonly missed: readonly string[]
  standing?: StandingProcess | undefined
  unwound?: UnwoundProcess
}

/** Looks at threads once more; where `isHanging`, as long after the first look as is set, else at once. */
export type LookLater = (isHanging: boolean, signal: AbortSignal) => Promise<void>

/**
 * What one capture keeps of processes that stood still for their stacks, so that they can be unwound when nobody waits for it: registers and stacks,
 * and their files, open. Whoever keeps them need not be who unwinds them.
 */
export class KeptStacks implements Disposable {
  readonly #most: number
  readonly #workshop = new Workshop(new Images(), new Names())
  readonly #files: MappedFiles
  readonly #kept: Kept[] = []
  readonly #seen = new Map<number, ReadonlyMap<number, SeenThread>>()
  readonly #stands = new Map<number, ReadonlyMap<number, Stand>>()
  readonly #lacks = new Map<string, string>()
  #later: LookLater | undefined
  #bytes = 0
  #forget: NodeJS.Timeout | undefined

  /** `most`: bytes of registers and stacks. */
  constructor(root: string, most = MOST_BYTES) {
    this.#most = most
    this.#files = new MappedFiles(root, this.#workshop.images)
  }

  get processes(): number {
    return this.#kept.length
  }

  /** Of registers and stacks. */
  get bytes(): number {
    return this.#bytes
  }

  /** Keeps a process's stacks, while it lives. Where there is no room left, unwinds them at once. Throws nothing but the signal's reason. */
  async add(
    process: HostProcess,
    core: Pick<StackCore, 'moment' | 'freezeMs' | 'missed'>,
    signal: AbortSignal,
  ): Promise<void> {
    const { threads, mappings, pieces } = core.moment
    const { freezeMs } = core
    const files = await this.#files.of(process.pid, mappings, signal)
    const { unopened } = files
    const missed =
      unopened > 0 ? [...core.missed, `${countOf(unopened, 'file')} that it runs cannot be read`] : core.missed
    const registers = registersOf(threads)
    const standing: StandingProcess = {
      ...files,
      arch: globalThis.process.arch === 'arm64' ? 'arm64' : 'x64',
      threads: registers,
      memory: heldMemory(pieces),
      mappings,
      isAll: true,
    }
    // What was read together is held together, also what of it nobody needs.
    const held = new Set(
      [...pieces.map((piece) => piece.bytes), ...registers.map(({ registers }) => registers)].map(
        ({ buffer }) => buffer,
      ),
    )
    const bytes = [...held].reduce((sum, { byteLength }) => sum + byteLength, 0)
    const kept: Kept = { process, freezeMs, missed, standing }
    if (this.#bytes + bytes > this.#most) await this.#unwind(kept, signal)
    else this.#bytes += bytes
    this.#kept.push(kept)
    this.#forget ??= setTimeout(() => this[Symbol.dispose](), KEPT_MS).unref()
  }

  /** Of whom there is nothing to keep, and why. */
  lack(who: string, reason: string): void {
    if (this.#lacks.size < MOST_LACKS) this.#lacks.set(who, reason)
  }

  get lacks(): ReadonlyMap<string, string> {
    return this.#lacks
  }

  /** What was seen of a process's threads, and what of them is known by now. */
  see(pid: number, threads: readonly SeenThread[], stands: ReadonlyMap<number, Stand>): void {
    if (!this.#seen.has(pid)) this.#seen.set(pid, new Map(threads.map((thread) => [thread.tid, thread])))
    this.#stands.set(pid, stands)
  }

  /** What looks at the threads once more, where nobody has: called when nobody waits for them any more. */
  lookLater(look: LookLater): void {
    this.#later = look
  }

  /**
   * The stacks of all that are kept, those that matter first, each as it is asked for. `isHanging`: something of the host gets nowhere, so that it is
   * worth its time to wait for the second look. Throws nothing but the signal's reason.
   */
  async *traces(isHanging: boolean, signal: AbortSignal): AsyncGenerator<ProcessTrace, void, void> {
    const look = this.#later
    this.#later = undefined
    await look?.(isHanging, signal)
    const known = ({ process: { pid } }: Kept) => ({
      seen: this.#seen.get(pid) ?? new Map<number, SeenThread>(),
      stands: this.#stands.get(pid) ?? new Map<number, Stand>(),
    })
    for (const kept of this.#kept.toSorted((a, b) => rankOf(known(a)) - rankOf(known(b)))) {
      const { process, freezeMs } = kept
      const { stacks, missed } = await this.#unwind(kept, signal)
      yield {
        ...{ process, freezeMs, stacks, missed: [...kept.missed, ...missed] },
        ...known(kept),
      }
    }
  }

  /** Files whose names could not be read, one sentence each. */
  get damaged(): readonly string[] {
    return [...this.#workshop.names.damaged]
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#forget)
    this.#files[Symbol.dispose]()
    this.#kept.length = 0
    this.#seen.clear()
    this.#stands.clear()
    this.#lacks.clear()
    this.#later = undefined
    this.#bytes = 0
  }

  async #unwind(kept: Kept, signal: AbortSignal): Promise<UnwoundProcess> {
    const { standing } = kept
    if (standing !== undefined) kept.unwound = await unwindProcess(standing, this.#workshop, signal)
    kept.standing = undefined
    return kept.unwound ?? { stacks: [], missed: [] }
  }
}

/** What unwinding needs of a thread's registers, in memory of its own: with the rest, which lies beside it, each thread would take some KiB. */
function registersOf(threads: readonly ThreadState[]): readonly ThreadRegisters[] {
  const all = Buffer.allocUnsafeSlow(threads.reduce((sum, { registers }) => sum + registers.length, 0))
  let at = 0
  return threads.map(({ tid, registers: from, sets }) => {
    const registers = all.subarray(at, at + from.copy(all, at))
    at += registers.length
    const pacMask = sets.find(({ set }) => set.type === PAC_MASK)?.bytes
    return { tid, registers, ...(pacMask !== undefined && { pacMask: Buffer.from(pacMask) }) }
  })
}
