import { NT_FILE, NT_PRPSINFO, NT_PRSTATUS, writeNote } from '../elf/notes.ts'
import type { Mapping } from '../host/mappings.ts'
import type { Machine } from './machine.ts'
import type { ProcessFacts } from './process-facts.ts'
import type { ThreadState } from './registers.ts'

/** Further types of notes: Linux include/uapi/linux/elf.h. */
const NT_AUXV = 6
const NT_SIGINFO = 0x53494749

/** Places in struct elf_prstatus and elf_prpsinfo, 64-bit: Linux include/linux/elfcore.h. */
const PRSTATUS = { signal: 12, pid: 32, registers: 112, tail: 8 }
const PRPSINFO = { uid: 16, pid: 24, name: 40, nameBytes: 16, arguments: 56, argumentsBytes: 80, bytes: 136 }

export interface NotesOf {
  readonly machine: Machine
  readonly pageSize: number
  readonly facts: ProcessFacts
  /** The first is the one that a debugger shows. */
  readonly threads: readonly ThreadState[]
  readonly auxv: Buffer
  readonly mappings: readonly Mapping[]
}

/** All notes of a core in the kernel's order, fs/binfmt_elf.c: those of the process stand among the first thread's. */
export function coreNotes({ machine, pageSize, facts, threads, auxv, mappings }: NotesOf): Buffer {
  const notes = threads.flatMap((thread, index) => [
    writeNote('CORE', NT_PRSTATUS, prstatus(machine, facts, thread)),
    ...(index > 0
      ? []
      : [
          writeNote('CORE', NT_PRPSINFO, prpsinfo(facts)),
          writeNote('CORE', NT_SIGINFO, thread.info),
          writeNote('CORE', NT_AUXV, auxv),
          writeNote('CORE', NT_FILE, mappedFiles(mappings, pageSize)),
        ]),
    ...thread.sets.map(({ set, bytes }) => writeNote(set.owner, set.type, bytes)),
    ...(index > 0 ? [writeNote('CORE', NT_SIGINFO, thread.info)] : []),
  ])
  return Buffer.concat(notes)
}

/** Times and signal masks are left zero: no debugger asks a core for them. */
function prstatus(machine: Machine, facts: ProcessFacts, { tid, signal, info, registers, sets }: ThreadState): Buffer {
  const bytes = Buffer.alloc(PRSTATUS.registers + machine.registers + PRSTATUS.tail)
  info.copy(bytes, 0, 0, 4)
  info.copy(bytes, 4, 8, 12)
  info.copy(bytes, 8, 4, 8)
  bytes.writeInt16LE(signal, PRSTATUS.signal)
  writeIds(bytes, PRSTATUS.pid, [tid, facts.ppid, facts.pgrp, facts.session])
  registers.copy(bytes, PRSTATUS.registers)
  bytes.writeInt32LE(sets.length > 0 ? 1 : 0, PRSTATUS.registers + machine.registers)
  return bytes
}

/** The command line stays out: it may hold secrets, and the name says enough. */
function prpsinfo(facts: ProcessFacts): Buffer {
  const bytes = Buffer.alloc(PRPSINFO.bytes)
  const states = 'RSDTZW'
  bytes.writeInt8(Math.max(0, states.indexOf(facts.state)), 0)
  bytes.write(facts.state, 1, 1, 'latin1')
  bytes.writeInt8(facts.nice, 3)
  bytes.writeUInt32LE(facts.uid, PRPSINFO.uid)
  bytes.writeUInt32LE(facts.gid, PRPSINFO.uid + 4)
  writeIds(bytes, PRPSINFO.pid, [facts.pid, facts.ppid, facts.pgrp, facts.session])
  bytes.write(facts.comm, PRPSINFO.name, PRPSINFO.nameBytes - 1, 'latin1')
  bytes.write(facts.comm, PRPSINFO.arguments, PRPSINFO.argumentsBytes - 1, 'latin1')
  return bytes
}

function writeIds(bytes: Buffer, at: number, ids: readonly number[]): void {
  for (const [index, id] of ids.entries()) bytes.writeInt32LE(id, at + index * 4)
}

/** NT_FILE: count, page size, then for each where it starts, ends, and from which page of the file; then the names. */
function mappedFiles(mappings: readonly Mapping[], pageSize: number): Buffer {
  const files = mappings.filter(({ inode }) => inode !== 0)
  const numbers = [files.length, pageSize].concat(
    files.flatMap(({ start, end, offset }) => [start, end, Math.floor(offset / pageSize)]),
  )
  const table = Buffer.alloc(numbers.length * 8)
  for (const [index, number] of numbers.entries()) table.writeBigUInt64LE(BigInt(number), index * 8)
  return Buffer.concat([table, Buffer.from(files.map(({ path }) => `${path}\0`).join(''), 'latin1')])
}
