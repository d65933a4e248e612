import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import t, { type Test } from 'tap'
import type { Receipt } from '../../agent/bundle/schema.ts'
import { CORE_PATH, corePiece, type Piece } from '../operator/bundle/bundle.ts'
import { setUp } from './set-up.ts'

const LIBRARY = 'void in_the_library(int *p) { *p = 1; }\n'
const PROGRAM = `
void in_the_library(int *p);
void in_the_program(int *p) { in_the_library(p); }
int main(void) { in_the_program(0); return 0; }
`
/** Has functions of its own at all addresses of the other one's. */
const OTHER_PROGRAM = `${Array.from({ length: 40 }, (_, i) => `int wrong_${i}(int i) { return i; }`).join('\n')}
int main(void) { return wrong_0(0); }
`

const missing = ['gdb', 'gcc', 'zstd', 'readelf'].filter((name) => spawnSync(name, ['--version']).error !== undefined)
const skip = missing.length > 0 && `not installed: ${missing.join(', ')}`

interface Crashed {
  /** Where it ran. */
  readonly host: string
  readonly core: Buffer
  readonly app: Executable
  readonly library: Executable
  /** Another build of the program. */
  readonly other: Executable
}

interface Executable {
  readonly content: Buffer
  readonly buildId: string
}

/** A program that crashes in a library of its own, and what was left of it; nothing of it remains on this machine. */
function crashed(): Crashed {
  const host = mkdtempSync(join(tmpdir(), 'crashed-'))
  const sources = { 'lib.c': LIBRARY, 'app.c': PROGRAM, 'other.c': OTHER_PROGRAM }
  for (const [name, text] of Object.entries(sources)) writeFileSync(join(host, name), text)
  const run = (program: string, ...args: string[]) =>
    execFileSync(program, args, { cwd: host, encoding: 'utf8', stdio: 'pipe' })
  mkdirSync(join(host, 'lib'))
  run('gcc', '-g', '-fPIC', '-shared', '-Wl,--build-id,-soname,libodd.so.1', '-o', 'lib/libodd.so.1', 'lib.c')
  run('gcc', '-g', '-Wl,--build-id', `-Wl,-rpath,${host}/lib`, '-o', 'app', 'app.c', 'lib/libodd.so.1')
  run('gcc', '-g', '-Wl,--build-id', '-o', 'other', 'other.c')
  run('gdb', '-nx', '-batch', '-ex', 'run', '-ex', 'generate-core-file core', 'app')
  const executable = (name: string): Executable => ({
    content: readFileSync(join(host, name)),
    buildId: /Build ID: (\w+)/.exec(run('readelf', '-n', name))?.[1] ?? '',
  })
  const left = { app: executable('app'), library: executable('lib/libodd.so.1'), other: executable('other') }
  const core = readFileSync(join(host, 'core'))
  rmSync(host, { recursive: true })
  return { host, core, ...left }
}

/** An executable as the collector sends it. */
function sent(path: string, { content, buildId }: Executable): Piece {
  const artifact = `executables/${buildId}/${path.split('/').at(-1)}.zst`
  return { artifact, source: 'executables', content, encoding: 'frames', item: { path, buildId } }
}

/** What gdb says of the core when the steps that `fetch` prints are pasted into a shell. */
async function pasted(test: Test, pieces: readonly Piece[]): Promise<string> {
  const scene = await setUp(test, { pieces })
  const { stdout } = await scene.run('fetch', '--identity', scene.mine)
  const steps = stdout.split('\n').filter((line) => /^ {2}(cd|zstd|DEBUGINFOD_URLS=\S+ gdb) /.test(line))
  test.equal(steps.length, 3, stdout)
  writeFileSync(join(scene.directory, 'steps.sh'), `${steps.join('\n')} </dev/null\n`)
  const env = { PATH: process.env.PATH, HOME: scene.directory, DEBUGINFOD_URLS: '' }
  const options = { cwd: scene.directory, env, encoding: 'utf8' } as const
  const { stdout: said, stderr } = spawnSync('bash', ['steps.sh'], options)
  return said + stderr
}

const BOTH = /#0 .*in_the_library \(p=0x0\).*#1 .*in_the_program \(p=0x0\).*#2 .*main \(\)/s

t.test('a crashed core is opened with its program and library out of the bundle', { skip }, async (t) => {
  const { host, core, app, library, other } = crashed()
  const item = (more: Receipt['item']) => corePiece(zstdCompressSync(core), { item: { path: CORE_PATH, ...more } })
  const [exe, odd] = [join(host, 'app'), join(host, 'lib/libodd.so.1')]
  const { buildId } = app
  const files = [sent(exe, app), sent(odd, library)]

  t.match(await pasted(t, [item({ exe, signal: 11, pid: 4711 }), ...files]), BOTH, 'by its path')
  t.match(await pasted(t, [item({ signal: 11, pid: 4711 }), ...files]), BOTH, 'by what the core itself says')
  // Two builds of one path, for a program was replaced while it ran; and of one name, of which another directory is looked at first.
  const others = [sent(exe, other), sent(join(host, 'a/libodd.so.1'), other)]
  const told = await pasted(t, [item({ exe, buildId, signal: 11 }), ...others, ...files])
  t.match(told, BOTH, 'by its build-id, though another build has its path')
  t.notMatch(told, /wrong/)
  // What a receipt says is not believed: gdb looks.
  const lie = await pasted(t, [item({ signal: 11 }), sent(exe, { ...other, buildId }), ...files.slice(1)])
  t.match(lie, /#0 .*in_the_library/)
  t.notMatch(lie, /in_the_program|wrong/)
})
