import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { without } from '../live-core/patients.ts'
import { scratch } from '../live-core/scratch.ts'
import { gdbFrames } from './gdb-frames.ts'
import { record, told } from './golden.ts'
import { recordArm64 } from './recorded.ts'
import { fileOf, unwindCore } from './unwound.ts'

t.setTimeout(300_000)

const PROGRAMS = join(import.meta.dirname, 'programs')
const LIVE = join(import.meta.dirname, '../live-core/programs')

/** Static programs, so that nothing else is mapped; their return addresses are signed, but for one. */
const SIGNED = '-mbranch-protection=standard'
const RECORDED: Readonly<Record<string, { source: string; compiler?: string; options: readonly string[] }>> = {
  signals: { source: join(PROGRAMS, 'signals.c'), options: ['-O2', SIGNED] },
  threads: { source: join(LIVE, 'threads.c'), options: ['-O2', '-fomit-frame-pointer'] },
  exceptions: { source: join(PROGRAMS, 'exceptions.cc'), compiler: 'g++', options: ['-O2', SIGNED] },
}

const needs = without('aarch64-linux-gnu-gcc', 'aarch64-linux-gnu-g++', 'qemu-aarch64', 'gdb-multiarch')

for (const [name, { source, compiler = 'gcc', options }] of Object.entries(RECORDED)) {
  t.test(`${name}: by gdb`, { skip: needs }, async (t) => {
    const directory = scratch(t)
    const program = join(directory, 'program')
    execFileSync(`aarch64-linux-gnu-${compiler}`, [...options, '-static', '-pthread', source, '-o', program])
    const core = await recordArm64(directory, program)
    const path = join(directory, 'small.core')
    writeFileSync(path, core)
    const judged = gdbFrames(program, path, 'gdb-multiarch')
    const unwound = await unwindCore(core, () => fileOf('program', readFileSync(program)))
    const found = told(unwound)
    t.ok(judged.size >= 4, 'threads')
    for (const { tid, pcs, damaged } of found) {
      t.same(damaged, [])
      const expected = judged.get(tid)?.map(({ pc }) => pc.toString(16))
      t.equal(pcs, expected?.join(' '), `thread ${tid}`)
    }
    const frames = [...unwound.values()].reduce((sum, one) => sum + one.frames.length, 0)
    t.comment(`${name}: ${frames} frames in ${found.length} threads`)
    if (name !== 'threads') record(`arm64-${name}`, core, program, unwound)
  })
}
