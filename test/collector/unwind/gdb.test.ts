import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { takeStackCore } from '../../../agent/collector/live-core/stack-core.ts'
import type { MappedFile } from '../../../agent/collector/unwind/modules.ts'
import { built } from '../../built.ts'
import { gcore } from '../live-core/judges.ts'
import { compile, limits, never, PROGRAMS, start, system, traced, without } from '../live-core/patients.ts'
import { scratch } from '../live-core/scratch.ts'
import { gdbFrames, type JudgedFrame } from './gdb-frames.ts'
import { record } from './golden.ts'
import { filesAt, unwindCore } from './unwound.ts'

t.setTimeout(300_000)

const OWN = join(import.meta.dirname, 'programs')

interface Program {
  readonly needs: readonly string[]
  make(directory: string): readonly string[]
  /** What gdb is told that the program is, where that knows more than the one that runs. */
  readonly symbols?: (directory: string) => string
  /** Whether it runs code that a just-in-time compiler wrote, which gdb cannot unwind: then what it names is compared. */
  readonly jit?: boolean
  /** The golden files that are made of it with LASTGASP_RECORD=1. */
  readonly golden?: string
}

const C: Program['needs'] = ['gcc']

/** What is running, and how to make it: each frame that gdb finds in a core of ours must be found, and none besides. */
const RUNNING: Readonly<Record<string, Program>> = {
  'C, 64 threads': { needs: C, make: (at) => [compile(at, 'threads', ['-O2', '-fomit-frame-pointer'])] },
  'C, spinning': { needs: C, make: (at) => [compile(at, 'spin', ['-O2'])] },
  'C, deadlock': { needs: C, make: (at) => [compile(at, 'deadlock', ['-O2'])] },
  'C, static': { needs: C, make: (at) => [compile(at, 'deadlock', ['-O2', '-static'])] },
  'C, static PIE': { needs: C, make: (at) => [compile(at, 'threads', ['-O2', '-static-pie', '-fPIE'])] },
  'C, PIE without symbols': { needs: C, make: (at) => [compile(at, 'threads', ['-O2', '-s', '-pie', '-fPIE'])] },
  'C, without a search table': { needs: C, make: (at) => [compile(at, 'threads', ['-O2', '-Wl,--no-eh-frame-hdr'])] },
  'C, deleted executable': { needs: C, make: (at) => [compile(at, 'threads', ['-O2'])] },
  'C, static, handlers on their own stacks': {
    needs: C,
    make: (at) => [own(at, 'signals.c', 'gcc', ['-O2', '-pthread', '-static'])],
    golden: 'x64-signals',
  },
  'C, handlers on their own stacks': { needs: C, make: (at) => [own(at, 'signals.c', 'gcc', ['-O2', '-pthread'])] },
  'C, in the linkage table': {
    needs: C,
    make: (at) => [own(at, 'plt.c', 'gcc', ['-O2', '-pthread', '-no-pie', '-Wl,-z,lazy'])],
  },
  'C, in the linkage table with IBT': {
    needs: C,
    make: (at) => [
      own(at, 'plt.c', 'gcc', ['-O2', '-pthread', '-no-pie', '-Wl,-z,lazy', '-fcf-protection', '-Wl,-z,ibtplt']),
    ],
  },
  'C++': { needs: ['g++'], make: (at) => [own(at, 'exceptions.cc', 'g++', ['-O2', '-pthread'])] },
  Rust: { needs: ['rustc'], make: (at) => [own(at, 'hang.rs', 'rustc', ['-O', '-C', 'force-frame-pointers=no'])] },
  'Rust, panicking at O0': { needs: ['rustc'], make: (at) => [own(at, 'hang.rs', 'rustc', [])] },
  Go: { needs: ['go'], make: (at) => [go(at, [])] },
  'Go, PIE': { needs: ['go'], make: (at) => [go(at, ['-buildmode=pie'])] },
  'Go, stripped': { needs: ['go', 'strip'], make: (at) => [stripped(go(at, []))], symbols: (at) => join(at, 'hang') },
  Node: { needs: [], make: () => [process.execPath, join(PROGRAMS, 'hang.mjs')], jit: true },
  Python: { needs: ['python3'], make: () => ['python3', join(PROGRAMS, 'hang.py')] },
}

function own(directory: string, name: string, compiler: string, options: readonly string[]): string {
  const source = join(OWN, name)
  built(directory, source, [compiler, ...options], (to) =>
    execFileSync(compiler, [...options, source, '-o', join(to, 'program')], { stdio: 'pipe' }),
  )
  return join(directory, 'program')
}

function go(directory: string, options: readonly string[]): string {
  const source = join(PROGRAMS, 'hang.go')
  const env = { ...process.env, GOCACHE: join(directory, 'cache'), HOME: directory }
  built(directory, source, ['go', 'build', ...options], (to) =>
    execFileSync('go', ['build', ...options, '-o', join(to, 'hang'), source], { env, stdio: 'pipe' }),
  )
  return join(directory, 'hang')
}

function stripped(program: string): string {
  execFileSync('strip', ['-s', program, '-o', `${program}-stripped`])
  return `${program}-stripped`
}

for (const [name, { needs, make, symbols, golden, jit = false }] of Object.entries(RUNNING)) {
  t.test(name, { skip: traced.skip || without('gdb', ...needs) }, async (t) => {
    const directory = scratch(t)
    const [program = '', ...more] = make(directory)
    const isDeleted = name.includes('deleted')
    const running = isDeleted ? join(directory, 'running') : program
    if (isDeleted) copyFileSync(program, running)
    const { target } = await start(t, directory, [running, ...more])
    if (isDeleted) rmSync(running)
    // What has just said "ready" may still be on its way to where it hangs.
    await setTimeout(500)
    const { core } = await takeStackCore(target, limits, system, never)
    const path = join(directory, 'core')
    writeFileSync(path, core)

    const expected = gdbFrames(symbols?.(directory) ?? `/proc/${target.pid}/exe`, path)
    const files = filesAt(t, (mapping) => mapped(target.pid, mapping))
    const found = await unwindCore(core, files)
    t.same([...found.keys()].sort(), [...expected.keys()].sort(), 'threads')
    const shares = [...expected].map(([tid, judged]) => {
      const { frames = [], damaged, end } = found.get(tid) ?? {}
      t.same(damaged, [])
      t.equal(end?.why, 'outermost', `thread ${tid} is whole`)
      const pcs = frames.map(({ pc }) => pc)
      if (!jit)
        t.same(
          pcs.map(hex),
          judged.map(({ pc }) => hex(pc)),
          `thread ${tid}`,
        )
      return { named: judged.filter(isNamed).length, found: inOrder(judged.filter(isNamed), pcs) }
    })
    const [named, equal] = [sum(shares.map((one) => one.named)), sum(shares.map((one) => one.found))]
    t.ok(named > 0 || jit || name.includes('without symbols'), 'gdb names some')
    t.equal(equal, named, 'frames that gdb names')
    t.comment(`${name}: ${equal} of ${named} frames that gdb names, in ${expected.size} threads`)
    if (golden !== undefined) record(golden, core, program, found)
    if (jit) t.ok([...found.values()].some(({ frames }) => frames.some(({ by }) => by === 'frame-pointer')))
  })
}

t.test('a whole core that somebody else wrote', { skip: traced.skip || without('gdb', 'gcc') }, async (t) => {
  const directory = scratch(t)
  const { target } = await start(t, directory, [own(directory, 'signals.c', 'gcc', ['-O2', '-pthread'])])
  const path = gcore(target.pid, join(directory, 'gcore'))
  const expected = gdbFrames(`/proc/${target.pid}/exe`, path)
  const found = await unwindCore(
    readFileSync(path),
    filesAt(t, (mapping) => mapped(target.pid, mapping)),
  )
  for (const [tid, judged] of expected) {
    const pcs = found.get(tid)?.frames.map(({ pc }) => hex(pc))
    t.same(
      pcs,
      judged.map(({ pc }) => hex(pc)),
      `thread ${tid}`,
    )
    t.equal(found.get(tid)?.end.why, 'outermost')
  }
  t.equal(found.size, 4)
})

const hex = (value: number) => value.toString(16)
const isNamed = ({ name }: JudgedFrame) => name !== undefined
const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0)

/** The kernel's own link to what is mapped, which works for a file that is gone. */
const mapped = (pid: number, { start, end }: MappedFile) => `/proc/${pid}/map_files/${hex(start)}-${hex(end)}`

/** How many frames of the judge are found, in its order. */
function inOrder(judged: readonly JudgedFrame[], pcs: readonly number[]): number {
  let at = 0
  let count = 0
  for (const { pc } of judged) {
    const next = pcs.indexOf(pc, at)
    if (next < 0) continue
    at = next + 1
    count += 1
  }
  return count
}
