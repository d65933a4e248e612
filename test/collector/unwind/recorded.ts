import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { PROGRAM_HEADER, PT_LOAD, programHeaders, programTable } from '../../../agent/collector/elf/headers.ts'
import { NT_FILE, NT_PRSTATUS, notesIn, writeNote } from '../../../agent/collector/elf/notes.ts'
import { LITTLE } from '../../../agent/collector/elf/numbers.ts'
import { layOut } from '../../../agent/collector/live-core/elf-core.ts'
import { machineOf } from '../../../agent/collector/live-core/machine.ts'
import { readCoreProcess } from '../../../agent/collector/unwind/core-process.ts'

const PAGE = 4096
const NT_ARM_PAC_MASK = 0x406
/** Of 48 bits of address without the byte on top that is ignored: Linux arch/arm64/include/asm/pointer_auth.h. */
const PAC_MASK = 0x007f_0000_0000_0000n
/** Of each stack. */
const STACK = 16 * 1024
/** The page of code that signal handlers return to. */
const TRAMPOLINE = 4096
/** What glibc gives a thread. */
const THREAD_STACK = 8 * 1024 * 1024

/**
 * Runs a static arm64 program by qemu-aarch64 until it is ready, aborts it, and gives the core that qemu wrote, as a stack-only core
 * with what the kernel adds: files, and the bits of signatures.
 */
export async function recordArm64(directory: string, program: string): Promise<Buffer> {
  // Of SVE and SME gdb 13 goes in a circle.
  const child = spawn('prlimit', ['--core=unlimited', 'qemu-aarch64', '-cpu', 'max,sve=off,sme=off', program], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data')
  await setTimeout(500)
  child.kill('SIGABRT')
  await once(child, 'exit')
  // That of qemu itself, where the host writes cores here.
  for (const name of readdirSync(directory)) if (/^core/.test(name)) rmSync(join(directory, name))
  const name = readdirSync(directory).find((entry) => /^qemu_.*\.core$/.test(entry))
  if (name === undefined) throw new Error('qemu wrote no core')
  const core = readFileSync(join(directory, name))
  rmSync(join(directory, name))
  return await smaller(core, program)
}

async function smaller(core: Buffer, program: string): Promise<Buffer> {
  const process = await readCoreProcess(async (at, length) => core.subarray(at, at + length))
  const machine = machineOf('arm64')
  if (process === undefined || machine === undefined) throw new Error('no arm64 core')
  const pages = new Set<number>()
  const keep = (from: number, to: number) => {
    for (let page = Math.floor(from / PAGE) * PAGE; page < to; page += PAGE) pages.add(page)
  }
  // Where threads are, and the used end of every stack: a handler may run on another one.
  for (const { registers } of process.threads) {
    const sp = Number(registers.readBigUInt64LE(machine.sp))
    keep(sp, sp + STACK)
  }
  for (const { start, stored } of process.memory) {
    if (stored === TRAMPOLINE) keep(start, start + stored)
    if (stored === THREAD_STACK) keep(start + stored - STACK, start + stored)
  }
  const pieces = [...pages].flatMap((page) => {
    const memory = process.memory.find(({ start, stored }) => page >= start && page + PAGE <= start + stored)
    if (memory === undefined) return []
    const at = memory.offset + page - memory.start
    return [
      {
        start: page,
        end: page + PAGE,
        stored: PAGE,
        permissions: 'rw-p',
        rank: 0,
        content: core.subarray(at, at + PAGE),
      },
    ]
  })
  const { head, order } = layOut(machine, PAGE, notesWith(core, program), pieces)
  return Buffer.concat([head, ...(order as typeof pieces).map(({ content }) => content)])
}

function notesWith(core: Buffer, program: string): Buffer {
  const [notes] = [...programHeaders(core.subarray(64, 64 + PROGRAM_HEADER))]
  const from = Number(notes?.offset)
  const written = [...notesIn(core.subarray(from, from + (notes?.stored ?? 0)), LITTLE)].flatMap(
    ({ owner, type, content }) => {
      const note = writeNote(owner, type, content)
      if (type !== NT_PRSTATUS) return [note]
      const masks = Buffer.alloc(16)
      masks.writeBigUInt64LE(PAC_MASK, 0)
      masks.writeBigUInt64LE(PAC_MASK, 8)
      return [note, writeNote('LINUX', NT_ARM_PAC_MASK, masks)]
    },
  )
  return Buffer.concat([...written, writeNote('CORE', NT_FILE, filesNote(program))])
}

function filesNote(program: string): Buffer {
  const loads = loadsOf(readFileSync(program))
  const numbers = [loads.length, PAGE, ...loads.flatMap(({ start, end, page }) => [start, end, page])]
  const head = Buffer.alloc(numbers.length * 8)
  for (const [index, number] of numbers.entries()) head.writeBigUInt64LE(BigInt(number), index * 8)
  return Buffer.concat([head, ...loads.map(() => Buffer.from(`/program\0`))])
}

function loadsOf(file: Buffer) {
  const table = programTable(file)
  const headers = file.subarray(table?.offset, (table?.offset ?? 0) + (table?.count ?? 0) * PROGRAM_HEADER)
  return [...programHeaders(headers)]
    .filter(({ type }) => type === PT_LOAD)
    .map(({ address, offset, stored }) => ({
      start: Math.floor(Number(address) / PAGE) * PAGE,
      end: Math.ceil((Number(address) + stored) / PAGE) * PAGE,
      page: Math.floor(Number(offset) / PAGE),
    }))
}
