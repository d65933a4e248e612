import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { built } from '../../built.ts'
import { compile, PROGRAMS } from '../live-core/patients.ts'

const OWN = join(import.meta.dirname, 'programs')

/** A program that is judged: what is running, and how to make it. */
export interface Program {
  readonly needs: readonly string[]
  /** Makes it in a directory, and gives the command that runs it until it is killed. */
  make(directory: string): readonly string[]
  /** After it has been started. */
  readonly started?: (directory: string) => void
  /** What gdb is told that the program is, where that knows more than the one that runs. */
  readonly symbols?: (directory: string) => string
  /** Where its files lie, as it names them. */
  readonly root?: (directory: string) => string
  /**
   * `files`: all of its code is in files that tell of it, so each frame that gdb finds must be found, and none besides. `jit`: it runs code that a
   * just-in-time compiler wrote, which gdb cannot unwind: what it names is compared. `mute`: it has code that says nothing of itself.
   */
  readonly code?: 'files' | 'jit' | 'mute'
  /** Its threads may stand on stacks that go on elsewhere, in memory that is not held (OCaml 5's fibers): gdb's ends there, too. */
  readonly isSplit?: boolean
  /** gdb goes on behind the first frame of a stack, as far as what lies there looks like frames. */
  readonly isGuessedOn?: boolean
  /** gdb names nothing of it. */
  readonly isNameless?: boolean
  /** Functions that only a perf map names. */
  readonly mapped?: RegExp
  /** The golden files that are made of it with LASTGASP_RECORD=1. */
  readonly golden?: string
}

const C: Program['needs'] = ['gcc']

export const RUNNING: Readonly<Record<string, Program>> = {
  'C, 64 threads': { needs: C, make: (at) => [compile(at, 'threads', ['-O2', '-fomit-frame-pointer'])] },
  'C, spinning': { needs: C, make: (at) => [compile(at, 'spin', ['-O2'])] },
  'C, deadlock': { needs: C, make: (at) => [compile(at, 'deadlock', ['-O2'])] },
  'C, static': { needs: C, make: (at) => [compile(at, 'deadlock', ['-O2', '-static'])] },
  'C, static PIE': { needs: C, make: (at) => [compile(at, 'threads', ['-O2', '-static-pie', '-fPIE'])] },
  'C, PIE without symbols': {
    needs: C,
    make: (at) => [compile(at, 'threads', ['-O2', '-s', '-pie', '-fPIE'])],
    isNameless: true,
  },
  'C, without a search table': { needs: C, make: (at) => [compile(at, 'threads', ['-O2', '-Wl,--no-eh-frame-hdr'])] },
  'C, deleted executable': {
    needs: C,
    make: (at) => [copied(compile(at, 'threads', ['-O2']), join(at, 'running'))],
    started: (at) => rmSync(join(at, 'running')),
  },
  'C, in a root of its own': {
    needs: [...C, 'chroot', 'ldd'],
    make: (at) => ['chroot', rooted(at, compile(at, 'threads', ['-O2'])), '/srv/program'],
    root: (at) => join(at, 'root'),
  },
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
  'C, static with musl': {
    needs: ['musl-gcc'],
    make: (at) => [compile(at, 'threads', ['-O2', '-static'], 'musl-gcc')],
    code: 'mute',
  },
  'C++': { needs: ['g++'], make: (at) => [own(at, 'exceptions.cc', 'g++', ['-O2', '-pthread'])] },
  Rust: { needs: ['rustc'], make: (at) => [own(at, 'hang.rs', 'rustc', ['-O', '-C', 'force-frame-pointers=no'])] },
  'Rust, panicking at O0': { needs: ['rustc'], make: (at) => [own(at, 'hang.rs', 'rustc', [])] },
  Go: { needs: ['go'], make: (at) => [go(at, [])], isGuessedOn: true },
  'Go, PIE': { needs: ['go'], make: (at) => [go(at, ['-buildmode=pie'])], isGuessedOn: true },
  'Go, stripped': {
    needs: ['go', 'strip'],
    make: (at) => [stripped(go(at, []))],
    symbols: (at) => join(at, 'hang'),
    isGuessedOn: true,
  },
  OCaml: { needs: ['ocamlopt'], make: (at) => [ocaml(at)], isSplit: true },
  Node: { needs: [], make: () => [process.execPath, join(PROGRAMS, 'hang.mjs')], code: 'jit' },
  'Node, with a perf map': {
    needs: [],
    // V8 also writes a log, which would lie where the tests are run.
    make: (at) => [
      ...[process.execPath, '--perf-basic-prof', '--no-logfile-per-isolate', `--logfile=${join(at, 'v8.log')}`],
      join(PROGRAMS, 'hang.mjs'),
    ],
    code: 'jit',
    mapped: /deep/,
  },
  JVM: { needs: ['java', 'javac'], make: (at) => ['java', ...java(at)], code: 'jit' },
  'Python 3.11': { needs: ['python3.11'], make: () => ['python3.11', join(PROGRAMS, 'hang.py')] },
  'Python 3.13': { needs: ['python3.13'], make: () => ['python3.13', join(PROGRAMS, 'hang.py')] },
  'Python 3.14': { needs: ['python3.14'], make: () => ['python3.14', join(PROGRAMS, 'hang.py')] },
  'Python 3.13, with a perf map': {
    needs: ['python3.13'],
    make: () => ['python3.13', '-X', 'perf', join(PROGRAMS, 'hang.py')],
    code: 'jit',
    mapped: /^py::deep:/,
  },
}

/** Compiles one of the programs beside this. */
export function own(directory: string, name: string, compiler: string, options: readonly string[]): string {
  const source = join(OWN, name)
  built(directory, source, [compiler, ...options], (to) =>
    execFileSync(compiler, [...options, source, '-o', join(to, 'program')], { stdio: 'pipe' }),
  )
  return join(directory, 'program')
}

function copied(program: string, to: string): string {
  mkdirSync(dirname(to), { recursive: true })
  copyFileSync(program, to)
  return to
}

/** A root directory that has a program, and the libraries that it wants. */
function rooted(directory: string, program: string): string {
  const root = join(directory, 'root')
  copied(program, join(root, 'srv/program'))
  for (const [library] of execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/\/\S+/g))
    copied(library, join(root, library))
  return root
}

function go(directory: string, options: readonly string[]): string {
  const source = join(PROGRAMS, 'hang.go')
  const env = { ...process.env, GOCACHE: join(directory, 'cache'), HOME: directory }
  built(directory, source, ['go', 'build', ...options], (to) =>
    execFileSync('go', ['build', ...options, '-o', join(to, 'hang'), source], { env, stdio: 'pipe' }),
  )
  return join(directory, 'hang')
}

function ocaml(directory: string): string {
  const source = copied(join(OWN, 'hang.ml'), join(directory, 'hang.ml'))
  const libraries = ['-I', '+threads', '-I', '+unix', 'unix.cmxa', 'threads.cmxa']
  execFileSync('ocamlopt', [...libraries, source, '-o', join(directory, 'hang')], { stdio: 'pipe' })
  return join(directory, 'hang')
}

function java(directory: string): readonly string[] {
  execFileSync('javac', ['-d', directory, join(PROGRAMS, 'Hang.java')], { stdio: 'pipe' })
  return ['-Xmx64m', '-cp', directory, 'Hang']
}

function stripped(program: string): string {
  execFileSync('strip', ['-s', program, '-o', `${program}-stripped`])
  return `${program}-stripped`
}
