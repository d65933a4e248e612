import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import t, { type Test } from 'tap'
import { executableAt } from '../../../../agent/collector/host/executable-file.ts'
import { openSystem } from '../../../../agent/collector/host/ffi.ts'
import { takeStackCore } from '../../../../agent/collector/live-core/stack-core.ts'
import type { HostProcess } from '../../../../agent/collector/processes/host-process.ts'
import { executableItem } from '../../../../agent/collector/sources/executables/item.ts'
import { mappedFiles } from '../../../../agent/collector/sources/executables/mapped-files.ts'
import { executablesSource } from '../../../../agent/collector/sources/executables/source.ts'
import { defaultSettings, type Settings } from '../../../../agent/settings/schema.ts'
import { targetOf } from '../../live-core/patients.ts'
import { scratch } from '../../live-core/scratch.ts'
import { contextOf, looked, PLENTY } from '../../looking.ts'
import { readAll, unhurried } from '../../reading.ts'
import { noCompiler, noTracing, started } from '../stacks/program.ts'

const LIBRARY = 'int answer(void) { return 42; }\n'
const PROGRAM = `
#include <stdio.h>
#include <unistd.h>
int answer(void);
int main(void) { printf("ready %d\\n", answer()); fflush(stdout); for (;;) pause(); }
`

/** A program that comes with a library of its own; both have a build-id, and nobody has packaged them. */
function built(t: Test, options: readonly string[] = []): { program: string; library: string } {
  const directory = t.testdir({ 'answer.c': LIBRARY, 'shop.c': PROGRAM })
  const [program, library] = [join(directory, 'shop'), join(directory, 'libanswer.so')]
  const link = ['-Wl,--build-id', ...options]
  for (const args of [
    ['-shared', '-fPIC', '-o', library, join(directory, 'answer.c')],
    ['-o', program, join(directory, 'shop.c'), library, `-Wl,-rpath,${directory}`],
  ]) {
    const { status, stderr } = spawnSync('gcc', [...link, ...args], { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
  }
  return { program, library }
}

async function inventory(settings: Partial<Settings>) {
  const defaults = defaultSettings()
  const seal = { ...defaults.seal, unsealed: 'allow' as const }
  const cores = { ...defaults.cores, directories: [] }
  const all: Settings = { ...defaults, executables: 'unpackaged', seal, cores, ...settings }
  return await looked(executablesSource(), contextOf('/', all))
}

const ofCores = (...cores: string[]) => ({ live: { ...defaultSettings().live, cores } })
const ofStacks = (...processes: string[]) => ({ stacks: { ...defaultSettings().stacks, processes } })

t.test('what a process runs and no package has, each file once', { skip: noCompiler }, async (t) => {
  const { program, library } = built(t)
  const [one, other] = [await started(t, program, ''), await started(t, program, '')]
  const { found, gaps } = await inventory({ ...ofCores(`pid:${one.pid}`), ...ofStacks(`pid:${other.pid}`) })
  t.strictSame(gaps, [])
  t.strictSame(
    found.map(({ identity }) => identity.path),
    [program, library],
    'the C library is of a package; the program comes first',
  )
  for (const item of found) {
    const path = item.identity.path ?? ''
    const { buildId } = (await executableAt(path, unhurried())) ?? {}
    t.match(item, {
      ...{ name: `executables/${buildId}/${basename(path)}.zst`, source: 'executables', class: 'memory' },
      ...{ phase: 'stored', encoding: 'frames', identity: { buildId, details: { comm: 'shop', pid: one.pid } } },
    })
    t.ok((await readAll(item)).content.equals(readFileSync(path)), path)
  }
})

t.test('a copy with the same build-id is not kept again', { skip: noCompiler }, async (t) => {
  const { program } = built(t)
  const copy = `${program}-again`
  copyFileSync(program, copy)
  const both = [await started(t, program, ''), await started(t, copy, '')].map(({ pid }) => `pid:${pid}`)
  const { found } = await inventory(ofCores(...both))
  t.equal(found.filter(({ identity }) => identity.path?.startsWith(program)).length, 1)
})

t.test('one without a build-id is known by its inode', { skip: noCompiler }, async (t) => {
  const { program } = built(t, ['-Wl,--build-id=none'])
  const { found } = await inventory(ofCores(`pid:${(await started(t, program, '')).pid}`))
  t.match(found[0], { name: /^executables\/inode-[0-9a-f]+-\d+\/shop\.zst$/, identity: { path: program } })
})

t.test(
  'one that was replaced on disk is read while its process lives',
  { skip: noCompiler || (process.getuid?.() !== 0 && 'only root may follow /proc/PID/map_files') },
  async (t) => {
    const { program } = built(t)
    const running = await started(t, program, '')
    const content = readFileSync(program)
    rmSync(program)
    writeFileSync(program, 'the next version')
    const { found } = await inventory(ofCores(`pid:${running.pid}`))
    t.match(found[0], { phase: 'live', identity: { path: program } })
    t.ok((await readAll(found[0])).content.equals(content))
    await running.end()
    await t.rejects(readAll(found[0]), { message: /^cannot open .*\/shop, which was mapped as / })
  },
)

t.test('a file that was exchanged since it was found is not read', { skip: noCompiler }, async (t) => {
  const { program } = built(t)
  const { found } = await inventory(ofCores(`pid:${(await started(t, program, '')).pid}`))
  rmSync(program)
  writeFileSync(program, 'something else')
  await t.rejects(readAll(found[0]), { message: /it is not the file that was found there before/ })
})

t.test('what a crashed core names', { skip: noCompiler || noTracing() }, async (t) => {
  const { program, library } = built(t)
  const { pid, end } = await started(t, program, '')
  const limits = { freezeMs: 10_000, threads: 10 }
  const { core } = await takeStackCore(targetOf(pid), limits, openSystem(), unhurried())
  await end()
  const directories = [join(program, '../crashes')]
  mkdirSync(directories[0] ?? '')
  writeFileSync(join(directories[0] ?? '', 'core.4711'), core)
  const { found } = await inventory({ cores: { ...defaultSettings().cores, directories } })
  t.strictSame(
    found.map(({ identity }) => identity.path),
    [program, library],
  )
})

t.test('nothing to keep, and nothing asked for', async (t) => {
  t.strictSame(await inventory({ executables: 'none' }), { found: [], gaps: [] })
  t.match(await inventory({}), { found: [], gaps: [{ status: 'absent', reason: 'no process is captured' }] })
  const seal = defaultSettings().seal
  t.match((await inventory({ seal })).gaps, [{ status: 'skipped', reason: /no recipient is set/ }])
})

t.test('a process whose mappings cannot be read costs itself', { skip: noCompiler }, async (t) => {
  const { program } = built(t)
  const running = await started(t, program, '')
  const alive = { pid: running.pid, comm: 'shop', exe: program } as HostProcess
  const root = scratch(t)
  mkdirSync(join(root, 'proc/7/maps'), { recursive: true })
  symlinkSync(`/proc/${running.pid}`, join(root, `proc/${running.pid}`))
  const dead = { ...alive, pid: 4_194_305 }
  const { programs, problems } = await mappedFiles(root, [{ ...alive, pid: 7 }, dead, alive], PLENTY, unhurried())
  t.match(problems, [/^shop\[7\]: .*EISDIR/], 'and one that has ended is no problem')
  t.ok(programs.some(({ path, isMain }) => path === program && isMain))
})

t.test('what a process has mapped at the same place since is something else', async (t) => {
  const program = join(t.testdir({ shop: 'the file that was found' }), 'shop')
  const { dev, ino, size: bytes } = statSync(program)
  const mapped = { path: program, reach: program, stays: false, tree: '/', bytes, isMain: true, of: {} }
  const item = (file: { dev: number; ino: number }) => executableItem({ ...mapped, file }, { buildId: 'ab' })
  t.equal((await readAll(item({ dev, ino }))).content.toString(), 'the file that was found')
  await t.rejects(readAll(item({ dev, ino: ino + 1 })), { message: /the process has mapped something else since$/ })
})
