import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { MappedFiles } from '../../../../agent/collector/kept-stacks/mapped-files.ts'
import { unwindProcess, Workshop } from '../../../../agent/collector/kept-stacks/unwind-process.ts'
import { takeStackCore } from '../../../../agent/collector/live-core/stack-core.ts'
import type { NamedFrame } from '../../../../agent/collector/unwind/frame.ts'
import { heldMemory } from '../../../../agent/collector/unwind/held-memory.ts'
import { Images } from '../../../../agent/collector/unwind/images.ts'
import { debugPath } from '../../../../agent/collector/unwind/names/debug-file.ts'
import { Names } from '../../../../agent/collector/unwind/names/names.ts'
import { built } from '../../../built.ts'
import { compile, limits, never, PROGRAMS, start, system, traced, without } from '../../live-core/patients.ts'
import { scratch } from '../../live-core/scratch.ts'
import { gdbFrames } from '../gdb-frames.ts'

t.setTimeout(300_000)

const OWN = join(import.meta.dirname, '../programs')
/** Share of the frames that gdb names which have the same name here, at least. */
const SHARE = 0.99

interface Program {
  readonly needs: readonly string[]
  make(directory: string): readonly string[]
}

const RUNNING: Readonly<Record<string, Program>> = {
  'C, 64 threads': { needs: ['gcc'], make: (at) => [compile(at, 'threads', ['-O2', '-fomit-frame-pointer'])] },
  'C, PIE without symbols': { needs: ['gcc'], make: (at) => [compile(at, 'threads', ['-O2', '-s', '-pie', '-fPIE'])] },
  'C, handlers on their own stacks': {
    needs: ['gcc'],
    make: (at) => [own(at, 'signals.c', 'gcc', ['-O2', '-pthread'])],
  },
  'C++': { needs: ['g++'], make: (at) => [own(at, 'exceptions.cc', 'g++', ['-O2', '-pthread'])] },
  Rust: { needs: ['rustc'], make: (at) => [own(at, 'hang.rs', 'rustc', ['-O', '-C', 'force-frame-pointers=no'])] },
  Python: { needs: ['python3'], make: () => ['python3', join(PROGRAMS, 'hang.py')] },
}

function own(directory: string, name: string, compiler: string, options: readonly string[]): string {
  const source = join(OWN, name)
  built(directory, source, [compiler, ...options], (to) =>
    execFileSync(compiler, [...options, source, '-o', join(to, 'program')], { stdio: 'pipe' }),
  )
  return join(directory, 'program')
}

for (const [name, { needs, make }] of Object.entries(RUNNING)) {
  t.test(name, { skip: traced.skip || without('gdb', 'nm', ...needs) }, async (t) => {
    const directory = scratch(t)
    const { target } = await start(t, directory, make(directory))
    // What has just said "ready" may still be on its way to where it hangs.
    await setTimeout(500)
    const { core, moment } = await takeStackCore(target, limits, system, never)
    const path = join(directory, 'core')
    writeFileSync(path, core)
    const judged = gdbFrames(`/proc/${target.pid}/exe`, path)

    const images = new Images()
    using mapped = new MappedFiles('/', images)
    const files = await mapped.of(target.pid, moment.mappings, never)
    const { mappings, pieces, threads } = moment
    const arch = process.arch === 'arm64' ? 'arm64' : 'x64'
    const standing = { ...files, arch, threads, memory: heldMemory(pieces), mappings, isAll: true } as const
    const { stacks, missed } = await unwindProcess(standing, new Workshop(images, new Names()), never)
    t.strictSame(missed, [])
    const ours = new Map(stacks.flatMap(({ tids, frames }) => tids.map((tid) => [tid, frames] as const)))

    const wrong = new Map<string, number>()
    let [named, equal] = [0, 0]
    for (const [tid, frames] of judged) {
      for (const { pc, name } of frames) {
        if (name === undefined || name === '') continue
        named += 1
        const frame = ours.get(tid)?.find((one) => one.pc === pc)
        if (frame !== undefined && isSame(frame, name)) equal += 1
        else {
          const told = `${name}: ${frame?.name?.function}`
          wrong.set(told, (wrong.get(told) ?? 0) + 1)
        }
      }
    }
    const told = `${name}: of ${named} frames that gdb names ${equal} have that name`
    t.ok(named > 0 || name.includes('without symbols'), 'gdb names some')
    t.ok(equal >= named * SHARE, `${told}; ${[...wrong].map(([what, times]) => `${what} (${times})`).join('; ')}`)
    t.comment(told)
  })
}

/**
 * Whether a frame has the name that gdb tells of it, or another one of the same place. gdb adds what a function returns and takes, leaves out the number
 * of what a compiler made of it (`.isra.0`), and has Rust's by its debug information, which tells no implementation.
 */
function isSame({ name, module }: NamedFrame, judged: string): boolean {
  if (name === undefined) return false
  const [ours, theirs] = [plain(name.function), plain(judged)]
  if (ours === theirs || theirs.startsWith(`${ours}(`) || theirs.includes(` ${ours}(`)) return true
  const last = (text: string) => text.split('::').at(-1)
  if (/<|\{impl/.test(ours + theirs) && last(ours) === last(theirs)) return true
  const debug = debugPath(module?.image.buildId)
  const files = [module?.path ?? '', ...(debug === undefined ? [] : [`/usr/lib/debug/.build-id/${debug}`])]
  return files.some((file) => {
    const symbols = symbolsOf(file)
    const at = symbols.get(ours)
    return at !== undefined && symbols.get(theirs) === at
  })
}

const plain = (text: string) =>
  text
    .replace(/^_+/, '')
    .replace(/::h[0-9a-f]{16}$/, '')
    .replace(/(?:\.(?:isra|constprop|part|cold|lto_priv|\d+))+/, '')

const known = new Map<string, ReadonlyMap<string, string>>()

/** Where nm(1) says that each function of a file is. */
function symbolsOf(file: string): ReadonlyMap<string, string> {
  const before = known.get(file)
  if (before !== undefined) return before
  const symbols = new Map<string, string>()
  for (const options of [['-D'], []]) {
    const listed = execFileSync('sh', ['-c', 'nm "$@" 2>/dev/null || true', 'nm', ...options, file], {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    })
    for (const line of listed.split('\n')) {
      const [, at, name] = /^([0-9a-f]+) [tTiWw] ([^@]+)/.exec(line) ?? []
      if (at !== undefined && name !== undefined) symbols.set(plain(name), at)
    }
  }
  known.set(file, symbols)
  return symbols
}
