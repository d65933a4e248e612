import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Mapping } from '../../../agent/collector/host/mappings.ts'
import { layOut, type Segment } from '../../../agent/collector/live-core/elf-core.ts'
import { type Machine, machineOf } from '../../../agent/collector/live-core/machine.ts'
import { coreNotes } from '../../../agent/collector/live-core/notes.ts'
import type { ThreadState } from '../../../agent/collector/live-core/registers.ts'
import { without } from './patients.ts'
import { readElf } from './read-elf.ts'

const PAGE = 4096
const GOLDEN = join(import.meta.dirname, 'golden')

const counted = (length: number, from: number) => Buffer.from(Array.from({ length }, (_, at) => (from + at) % 256))

function threadOf(machine: Machine, tid: number, signal: number): ThreadState {
  const info = Buffer.alloc(128)
  info.writeInt32LE(signal, 0)
  info.writeInt32LE(-6, 8)
  const sets = machine.sets.map((set) => ({ set, bytes: counted(Math.min(set.most, 576), set.type % 256) }))
  return { tid, signal, info, registers: counted(machine.registers, tid), sets }
}

const facts = {
  ...{
    pid: 4711,
    // A character for each byte, as it is read.
    comm: Buffer.from('naïve (x').toString('latin1'),
    state: 'S',
    ppid: 1,
    pgrp: 4711,
    session: 4711,
    nice: -5,
    uid: 998,
    gid: 997,
    tracer: 0,
  },
  ...{ argv: { start: 0, end: 0 }, environment: { start: 0, end: 0 } },
}
const mapping = (start: number, permissions: string, inode: number, path: string, offset = 0): Mapping => {
  return { start, end: start + 2 * PAGE, permissions, offset, device: 'fe:01', inode, path }
}
const mappings = [
  mapping(0x400000, 'r-xp', 17, Buffer.from('/usr/bin/naïve').toString('latin1')),
  mapping(0x7f0000000000, 'rw-p', 18, '/tmp/a\nb (deleted)', PAGE),
  mapping(0x7ffd00000000, 'rw-p', 0, '[stack]'),
]
const segments: Segment[] = [
  { start: 0x7ffd00000000, end: 0x7ffd00002000, stored: PAGE, permissions: 'rw-p', rank: 0 },
  { start: 0x400000, end: 0x401000, stored: PAGE, permissions: 'r-xp', rank: 1 },
  { start: 0x401000, end: 0x402000, stored: 0, permissions: 'r-xp', rank: 2 },
  { start: 0x7f0000000000, end: 0x7f0000002000, stored: 2 * PAGE, permissions: 'rw-p', rank: 2 },
]

/** The head of a core with two threads, all fields of which are known. */
function headOf(arch: string) {
  const machine = machineOf(arch)
  if (machine === undefined) throw new Error(arch)
  const threads = [threadOf(machine, 4711, 0), threadOf(machine, 4712, 11)]
  const auxv = counted(32, 0)
  return layOut(machine, PAGE, coreNotes({ machine, pageSize: PAGE, facts, threads, auxv, mappings }), segments)
}

for (const arch of ['x64', 'arm64']) {
  t.test(`golden: ${arch}`, async (t) => {
    const { head, order, bytes } = headOf(arch)
    const path = join(GOLDEN, `${arch}.core`)
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, head)
    t.ok(head.equals(readFileSync(path)), 'LIVE-CORE.md, byte by byte')
    t.same(order, [segments[0], segments[1], segments[3]])
    t.equal(bytes, head.length + 4 * PAGE)
  })

  t.test(`judged: ${arch}`, { skip: without('eu-readelf') }, async (t) => {
    const said = execFileSync('eu-readelf', ['-n', '-l', join(GOLDEN, `${arch}.core`)], {
      encoding: 'utf8',
      stdio: 'pipe',
    })
    for (const line of [/fname: naïve \(x, psargs: naïve \(x/, /uid: 998, gid: 997, pid: 4711, ppid: 1/, /nice: 251/]) {
      t.match(said, line)
    }
    t.match(said, /PRSTATUS\n.*si_signo: 0, info.si_code: -6, info.si_errno: 0, cursig: 0\n.*\n.*\n.*pid: 4711/)
    t.match(said, /cursig: 11\n[^C]*pid: 4712, ppid: 1, pgrp: 4711, sid: 4711/)
    t.match(said, /00400000-00402000 00000000 8192 +\/usr\/bin\//)
    t.match(said, arch === 'x64' ? /X86_XSTATE/ : /ARM_TLS/)
  })
}

t.test('the order of notes is the one of the kernel', async (t) => {
  const types = (arch: string) => {
    const { head } = headOf(arch)
    return readElf(head).notes.map(({ type, owner }) => `${owner} ${type.toString(16)}`)
  }
  const process = ['CORE 3', 'CORE 53494749', 'CORE 6', 'CORE 46494c45']
  const x64 = ['CORE 2', 'LINUX 202']
  const arm64 = ['CORE 2', 'LINUX 401', 'LINUX 406']
  t.same(types('x64'), ['CORE 1', ...process, ...x64, 'CORE 1', ...x64, 'CORE 53494749'])
  t.same(types('arm64'), ['CORE 1', ...process, ...arm64, 'CORE 1', ...arm64, 'CORE 53494749'])
})

t.test('more program headers than fit into the ELF header', { skip: without('readelf') }, async (t) => {
  const machine = machineOf('x64') as Machine
  const many = Array.from({ length: 70_000 }, (_, index) => {
    const start = 0x1000000 + index * 2 * PAGE
    return { start, end: start + PAGE, stored: 0, permissions: 'rw-p', rank: 2 }
  })
  const { head } = layOut(machine, PAGE, Buffer.alloc(0), many)
  t.equal(readElf(head).loads.length, 70_000)
  const path = join(t.testdir(), 'core')
  writeFileSync(path, head)
  t.match(execFileSync('readelf', ['-h', path], { encoding: 'utf8' }), /Number of program headers: +65535 \(70001\)/)
})
