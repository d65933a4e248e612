import { heldMemory } from '../../../agent/collector/unwind/held-memory.ts'
import { Images } from '../../../agent/collector/unwind/images.ts'
import { ModuleMap } from '../../../agent/collector/unwind/module-map.ts'
import { ARCHITECTURES } from '../../../agent/collector/unwind/registers.ts'
import { Unwinder } from '../../../agent/collector/unwind/unwind.ts'
import { elfOf, type MadeElf } from './synthetic-elf.ts'
import { fileOf, never } from './unwound.ts'

/** Where the made-up program is mapped, where its stack is, and memory with code that is in no file. */
export const BASE = 0x400000
export const STACK = 0x700000
export const JIT = 0x600000
export interface Scene extends MadeElf {
  readonly arch?: 'x64' | 'arm64'
  /** By their DWARF numbers. */
  readonly registers: Readonly<Record<number, number | bigint>>
  /** Words from the stack's start on. */
  readonly stack: readonly (number | bigint)[]
  readonly pacMask?: Buffer
  readonly signal?: AbortSignal
  readonly file?: Buffer
  /** What lies at JIT. */
  readonly jit?: readonly number[]
}

/** Unwinds a thread of a program that is made up. */
export async function unwound(scene: Scene) {
  const { arch = 'x64', pacMask, signal = never } = scene
  const { places } = ARCHITECTURES[arch]
  const registers = Buffer.alloc(64 * 8)
  for (const [number, value] of Object.entries(scene.registers)) {
    registers.writeBigUInt64LE(BigInt(value), (places[Number(number)] ?? 63) * 8)
  }
  const bytes = Buffer.alloc(scene.stack.length * 8)
  for (const [index, word] of scene.stack.entries()) bytes.writeBigUInt64LE(BigInt(word), index * 8)
  const jit = Buffer.from(scene.jit ?? [])
  const memory = heldMemory([{ start: STACK, bytes }, ...(jit.length > 0 ? [{ start: JIT, bytes: jit }] : [])])
  const file = scene.file ?? elfOf({ machine: ARCHITECTURES[arch].elf, ...scene })
  const mappings = [
    { start: BASE, end: BASE + 0x20000, offset: 0, path: '/program', permissions: 'r-xp' },
    { start: JIT, end: JIT + 4096, offset: 0, path: '', permissions: 'rwxp' },
    { start: STACK, end: STACK + 0x10000, offset: 0, path: '[stack]', permissions: 'rw-p' },
  ]
  const opened = fileOf('program', file)
  const modules = new ModuleMap(
    { mappings, isAll: true, fileOf: ({ path }) => (path === '/program' ? opened : undefined), memory },
    new Images(),
  )
  const thread = { tid: 1, registers, ...(pacMask !== undefined && { pacMask }) }
  const { frames, end, damaged } = await new Unwinder().unwind({ arch, memory, modules }, thread, signal)
  return { frames, end, damaged, told: frames.map(({ pc, kind, by }) => `${pc.toString(16)} ${kind} ${by}`) }
}
