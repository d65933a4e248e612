import { byCfi, type Caller, type ReadNumber } from './by-cfi.ts'
import { byCall, byFramePointer, CALL_BYTES, endsInCall } from './by-frame-pointer.ts'
import { byGoTable } from './by-go-table.ts'
import { bySigreturn, isSigreturn, SIGRETURN_BYTES } from './by-sigreturn.ts'
import { byWayOut } from './by-way-out.ts'
import type { FoundBy, Frame, StackEnd, Unwound } from './frame.ts'
import type { FrameRow } from './frame-row.ts'
import { Damaged, loadAt, type ReadMemory } from './image.ts'
import { KnownFiles } from './known-files.ts'
import { VDSO } from './module-map.ts'
import type { CodeAt, Module, Modules } from './modules.ts'
import {
  ARCHITECTURES,
  type Architecture,
  type Registers,
  registersOf,
  signatureBits,
  type ThreadRegisters,
} from './registers.ts'
import { wayOut } from './way-out.ts'

/** Frames of one thread at most; also what a stack costs that leads in a circle. */
export const MOST_FRAMES = 256

/** The process whose threads are unwound. */
export interface UnwindProcess {
  readonly arch: 'x64' | 'arm64'
  readonly memory: ReadMemory
  readonly modules: Modules
}

/** Unwinds threads, of any number of processes: what it learns of a file serves the next. */
export class Unwinder {
  readonly #known = new KnownFiles()

  /**
   * The frames of a thread, innermost first. Registers and memory are of a moment and at hand, so they are read at once; files are read by
   * pages, so it waits for those, until the signal aborts: that rejects with its reason, and nothing else does.
   */
  async unwind(process: UnwindProcess, thread: ThreadRegisters, signal: AbortSignal): Promise<Unwound> {
    return await new Stack(this.#known, process, thread, signal).unwind()
  }
}

/** Where a frame is, and what is known of it. */
interface Place {
  readonly frame: Frame
  readonly code: CodeAt
  readonly row: FrameRow | undefined
  /** Whether a signal handler returns there; `code`: by its instructions, which go before what the file says. */
  readonly signal: 'no' | 'row' | 'code'
}

interface Step {
  readonly by: FoundBy
  readonly registers: Registers
}

/** One thread's way down its stack. */
class Stack {
  readonly #known: KnownFiles
  readonly #process: UnwindProcess
  readonly #thread: ThreadRegisters
  readonly #signal: AbortSignal
  readonly #arch: Architecture
  readonly #signature: bigint
  readonly #damaged = new Set<string>()
  readonly #word = Buffer.alloc(8)

  constructor(known: KnownFiles, process: UnwindProcess, thread: ThreadRegisters, signal: AbortSignal) {
    this.#known = known
    this.#process = process
    this.#thread = thread
    this.#signal = signal
    this.#arch = ARCHITECTURES[process.arch]
    this.#signature = this.#arch.link === undefined ? 0n : signatureBits(thread.pacMask)
  }

  async unwind(): Promise<Unwound> {
    const frames: Frame[] = []
    const end = await this.#walk(frames)
    return { frames, end, damaged: [...this.#damaged] }
  }

  async #walk(frames: Frame[]): Promise<StackEnd> {
    let registers = registersOf(this.#arch, this.#thread)
    if (registers === undefined) return { why: 'lost' }
    let kind: Frame['kind'] = 'first'
    let by: FoundBy = 'first'
    let lowest = 0n
    for (;;) {
      await this.#known.breathe(this.#signal)
      const place = await this.#placeOf(registers, kind, by, lowest)
      if (frames.length === MOST_FRAMES) return { why: 'limit', address: place.frame.sp }
      frames.push(place.frame)
      const step = await this.#step(place, registers)
      if ('why' in step) return step
      const [from, to] = [registers[this.#arch.sp] ?? lowest, step.registers[this.#arch.sp]]
      const isInterrupted = place.signal !== 'no'
      // A handler may have a stack of its own; a function that was just called has nothing on it yet.
      const mayStay = kind === 'first' || kind === 'interrupted'
      const grows =
        to === undefined || to > from || (mayStay && to === from && !this.#isSamePc(registers, step.registers))
      if (!grows && !isInterrupted) return { why: 'not-growing', address: Number(to) }
      lowest = isInterrupted ? 0n : (to ?? (registers[this.#arch.fp] as bigint))
      registers = step.registers
      kind = isInterrupted ? 'interrupted' : 'return'
      by = step.by
    }
  }

  #isSamePc(one: Registers, other: Registers): boolean {
    return one[this.#arch.pc] === other[this.#arch.pc]
  }

  async #placeOf(registers: Registers, kind: Frame['kind'], by: FoundBy, lowest: bigint): Promise<Place> {
    const pc = Number(registers[this.#arch.pc])
    const sp = Number(registers[this.#arch.sp] ?? lowest)
    // A call that never returns is the last instruction of its function: behind it begins another one.
    const at = kind === 'return' ? pc - 1 : pc
    const where = await this.#lookUp(at)
    const isReturned = kind === 'return' || kind === 'first'
    const signal = isReturned ? await this.#signalAt(pc, where) : 'no'
    if (signal === 'no' || kind === 'first')
      return { frame: { pc, sp, kind, by, at, ...where.located }, ...where, signal }
    const { located } = await this.#lookUp(pc)
    return { frame: { pc, sp, kind: 'signal', by, at: pc, ...located }, ...where, signal }
  }

  async #signalAt(pc: number, { row, module }: Where): Promise<Place['signal']> {
    if (row !== undefined && module?.path !== VDSO) return row.isSignal ? 'row' : 'no'
    const code = await this.#codeAt(pc, SIGRETURN_BYTES)
    if (code !== undefined && isSigreturn(code, this.#arch)) return 'code'
    return row?.isSignal ? 'row' : 'no'
  }

  /** What the maps and files say of an address. A file that is damaged says nothing. */
  async #lookUp(at: number): Promise<Where> {
    const { modules } = this.#process
    const code = (await this.#unlessDamaged(() => modules.codeAt(at, this.#signal))) ?? 'unknown'
    const module = await this.#unlessDamaged(() => modules.at(at, this.#signal))
    if (module === undefined || module.image.machine !== this.#arch.elf) {
      return { code, module: undefined, row: undefined, located: {} }
    }
    const address = at - module.bias
    const row = await this.#unlessDamaged(() => this.#known.rowAt(module.image, address, this.#signal))
    return { code, module, row, located: { module, address } }
  }

  /** The way to the caller: what the file says, else what is known of such code, else the frame pointer. */
  async #step(place: Place, registers: Registers): Promise<Step | StackEnd> {
    const { frame, row, code, signal } = place
    const isExact = frame.kind !== 'return'
    const caller = (by: FoundBy, found: Caller) => this.#stepOf(by, found)
    if (signal === 'code') {
      const step = caller('sigreturn', bySigreturn(registers, this.#arch, this.#memory))
      return step ?? { why: 'lost', address: frame.pc }
    }
    if (row !== undefined) {
      const found = await this.#unlessDamaged(async () => byCfi(row, registers, this.#arch, this.#memory, isExact))
      const step = found && caller('cfi', found)
      if (step !== undefined) return step
    }
    const { module, address } = frame
    if (module !== undefined && address !== undefined && row === undefined) {
      const found = await this.#unlessDamaged(async () => {
        const table = await this.#known.goTable(module.image, this.#signal)
        return table && (await byGoTable(table, address, registers, this.#arch, this.#memory, this.#signal))
      })
      const step = found && caller('pclntab', found)
      // Behind the first function of a thread lies no return address, but what the thread was given.
      if (step !== undefined) return 'why' in step || (await this.#isCode(step)) ? step : { why: 'outermost' }
    }
    const out = await this.#wayOut(frame, registers)
    if (out !== undefined) return out
    // What lies in the register may be left from a call before, what lies on the stack hardly.
    const mayBeCall = isExact && (code === 'none' || this.#arch.link === undefined)
    const guesses: (() => [FoundBy, Caller])[] = [
      () => ['frame-pointer', byFramePointer(registers, this.#arch, this.#memory)],
      () => ['call', mayBeCall ? byCall(registers, this.#arch, this.#memory) : { kind: 'none' }],
    ]
    // What is no code was called, and has done nothing yet.
    for (const guess of code === 'none' ? guesses.reverse() : guesses) {
      const step = caller(...guess())
      if (step !== undefined && ('why' in step || (await this.#isAfterCall(step)))) return step
    }
    return { why: 'lost', address: frame.pc }
  }

  /** What the code itself will do until it returns, where that leads to a caller. Of what is in no file little is at hand. */
  async #wayOut({ pc, module, address }: Frame, registers: Registers): Promise<Step | undefined> {
    if (this.#arch.link !== undefined) return undefined
    const inFile = module !== undefined && address !== undefined
    const parts = inFile
      ? await this.#unlessDamaged(() => this.#known.wayOut(module.image, pc - module.bias, this.#signal))
      : await wayOut(async (at, most) => this.#held(at, most), pc, true)
    const step = parts && this.#stepOf('epilogue', byWayOut(parts, registers, this.#arch, this.#memory))
    return step !== undefined && !('why' in step) && (await this.#isAfterCall(step)) ? step : undefined
  }

  /** What is at hand of memory from an address on. */
  #held(address: number, most: number): Buffer | undefined {
    const bytes = Buffer.alloc(most)
    const read = this.#process.memory(address, bytes)
    return read > 0 ? bytes.subarray(0, read) : undefined
  }

  #stepOf(by: FoundBy, caller: Caller): Step | StackEnd | undefined {
    if (caller.kind === 'none') return undefined
    if (caller.kind === 'outermost') return { why: 'outermost' }
    if (caller.kind === 'unreadable') return { why: 'unreadable', address: caller.address }
    const registers = [...caller.registers]
    const pc = (registers[this.#arch.pc] ?? 0n) & ~this.#signature
    if (pc === 0n) return { why: 'outermost' }
    registers[this.#arch.pc] = pc
    return { by, registers }
  }

  async #isCode({ registers }: Step): Promise<boolean> {
    const pc = Number(registers[this.#arch.pc])
    return (await this.#unlessDamaged(() => this.#process.modules.codeAt(pc - 1, this.#signal))) === 'code'
  }

  /** Whether what was found without the file's word can be a return address: stop rather than guess. */
  async #isAfterCall({ registers }: Step): Promise<boolean> {
    const pc = Number(registers[this.#arch.pc])
    const code = await this.#unlessDamaged(() => this.#process.modules.codeAt(pc - 1, this.#signal))
    if (code === 'none') return false
    // Code that is in no file need not have called: interpreters put the place where they go on there themselves.
    const isInFile = (await this.#unlessDamaged(() => this.#process.modules.at(pc - 1, this.#signal))) !== undefined
    const bytes = isInFile ? await this.#codeAt(pc - CALL_BYTES, CALL_BYTES) : undefined
    return bytes === undefined ? code === 'code' : endsInCall(bytes, this.#arch)
  }

  /** Code at an address: of its file, else of memory; undefined where neither is at hand. */
  async #codeAt(address: number, length: number): Promise<Buffer | undefined> {
    const module = await this.#unlessDamaged(() => this.#process.modules.at(address, this.#signal))
    const bytes = Buffer.alloc(length)
    if (module === undefined) return this.#process.memory(address, bytes) === length ? bytes : undefined
    const own = address - module.bias
    const load = loadAt(module.image, own)
    if (load === undefined || own + length > load.address + load.stored) return undefined
    return await this.#unlessDamaged(() => module.image.bytesAt(own, length, this.#signal))
  }

  readonly #memory: ReadNumber = (address, bytes) => {
    if (address > BigInt(Number.MAX_SAFE_INTEGER)) return undefined
    this.#word.fill(0)
    const read = this.#process.memory(Number(address), this.#word.subarray(0, bytes))
    return read === bytes ? this.#word.readBigUInt64LE(0) : undefined
  }

  async #unlessDamaged<Value>(look: () => Promise<Value>): Promise<Value | undefined> {
    try {
      return await look()
    } catch (error) {
      if (!(error instanceof Damaged)) throw error
      this.#damaged.add(error.message)
      return undefined
    }
  }
}

interface Where {
  readonly code: CodeAt
  readonly module: Module | undefined
  readonly row: FrameRow | undefined
  readonly located: Pick<Frame, 'module' | 'address'>
}
