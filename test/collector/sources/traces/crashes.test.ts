import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import t, { type Test } from 'tap'
import type { CoreFile } from '../../../../agent/collector/crashed-cores/core-file.ts'
import { HandedCrashes } from '../../../../agent/collector/kept-stacks/handed-crashes.ts'
import { takeStackCore } from '../../../../agent/collector/live-core/stack-core.ts'
import { crashJson, crashText } from '../../../../agent/collector/sources/traces/crash-files.ts'
import { fingerprintOf } from '../../../../agent/collector/sources/traces/fingerprint.ts'
import { readTraces } from '../../../../agent/collector/sources/traces/read-traces.ts'
import { tracesSource } from '../../../../agent/collector/sources/traces/source.ts'
import { defaultSettings } from '../../../../agent/settings/schema.ts'
import { allTaken } from '../../../streams/poisoned.ts'
import { host, write } from '../../crashed-cores/cores.ts'
import { coredumpUnit, crash, from, writeJournal } from '../../host/journal/write-journal.ts'
import { limits, never, system, targetOf } from '../../live-core/patients.ts'
import { scratch } from '../../live-core/scratch.ts'
import { contextOf, lastWords, PLENTY } from '../../looking.ts'
import { readAll, unhurried } from '../../reading.ts'
import { MACHINE } from '../journal/host.ts'
import { compiled, noCompiler, noTracing, started } from '../stacks/program.ts'

const skip = noCompiler || noTracing()

/** A core as it lies on the host. */
function lying(path: string, suffix = ''): CoreFile {
  const { dev, ino, size: bytes, mtimeMs } = statSync(path)
  const at = Math.round(mtimeMs)
  const identity = { path, comm: 'patient', pid: 4711, signal: 6, at }
  return {
    ...{ id: path, path, raw: Buffer.from(path), directory: join(path, '..'), file: { dev, ino }, kind: 'systemd' },
    ...{ label: 'patient.4711.core', suffix, bytes, allocated: bytes, at, changed: mtimeMs, isVolatile: false },
    ...{ owner: 0, claimed: false, identity },
  }
}

/** The core of a program that hung, which lies there when it is gone. */
async function dead(t: Test, what: string) {
  const program = compiled(t)
  const { pid, end } = await started(t, program, what)
  const { core } = await takeStackCore(targetOf(pid), limits, system, never)
  await end()
  const directory = join(program, '../crashes')
  mkdirSync(directory)
  return { program, core, directory }
}

async function traced(t: Test, cores: readonly CoreFile[], root = '/') {
  const crashed = { cores, logged: [] }
  const request = { root, kept: undefined, crashed, handed: new HandedCrashes(), hangs: [], limit: 2 ** 30 }
  await using reading = readTraces(request, unhurried())
  const chunks: Buffer[] = []
  for await (const chunk of allTaken(reading.chunks)) chunks.push(Buffer.from(chunk))
  return { text: unpacked(t, Buffer.concat(chunks)), outcome: reading.outcome() }
}

function unpacked(t: Test, tar: Buffer): (name: string) => string {
  const directory = scratch(t)
  execFileSync('tar', ['-xC', directory], { input: tar })
  return (name) => readFileSync(join(directory, name), 'utf8')
}

t.test('a core that lies there, plain or compressed, is unwound as it passes by', { skip }, async (t) => {
  const { core, directory } = await dead(t, 'deadlock')
  for (const [suffix, content] of [
    ['', core],
    ['.zst', zstdCompressSync(core)],
    ['.gz', gzipSync(core)],
  ] as const) {
    const path = join(directory, `core.4711${suffix}`)
    writeFileSync(path, content)
    const { text, outcome } = await traced(t, [lying(path, suffix)])
    const told = text('crashed/patient.4711.txt')
    t.match(told, /^patient 4711 crashed {2}signal 6 {2}\d{4}-/)
    t.match(told, /^thread \d+ {2}\(crashed\)$/m)
    t.match(told, /^#\d+ +0x[0-9a-f]+ grab\+0x[0-9a-f]+ \(patient\)$/m)
    t.match(told, / main\+0x[0-9a-f]+ \(patient\)/)
    const json = JSON.parse(text('crashed/patient.4711.json'))
    t.match(json, { crashed: true, by: 'lastgasp', signal: 6, core: path, stacks: [{ end: { why: 'outermost' } }] })
    t.match(outcome.identity?.details, { source: 'traces', processes: 0, crashed: 1, threads: 3 })
    const fingerprint = fingerprintOf([[{ module: 'patient', function: 'main' }]])
    t.match(outcome.identity?.details, { fingerprints: [{ of: 'crash', path, fingerprint }] })
    t.ok(text('traces.txt').includes(told))
  }
})

t.test('a program that is another one by now names nothing', { skip }, async (t) => {
  const { core, directory, program } = await dead(t, 'sleep')
  const path = join(directory, 'core.4711')
  writeFileSync(path, core)
  rmSync(program)
  spawnSync('gcc', ['-O0', '-o', program, `${program}.c`, '-pthread'])
  utimesSync(program, new Date(0), new Date(0))
  const { text } = await traced(t, [lying(path)])
  t.notMatch(text('crashed/patient.4711.txt'), /patient\)/)
})

t.test('what is no core, or is damaged, costs itself', { skip }, async (t) => {
  const { core, directory } = await dead(t, 'sleep')
  const at = (name: string, content: Buffer) => {
    writeFileSync(join(directory, name), content)
    return { ...lying(join(directory, name), /\.zst$/.exec(name)?.[0] ?? ''), label: `${name}.core` }
  }
  const good = at('good', core)
  const packed = zstdCompressSync(core)
  const damaged = Buffer.from(packed)
  damaged.fill(0xff, Math.floor(packed.length / 2))
  const crashed = [
    ...[at('text', Buffer.from('no core')), at('empty', Buffer.alloc(0)), at('cut', core.subarray(0, 3000))],
    ...[at('cut.zst', packed.subarray(0, Math.floor(packed.length / 2))), at('damaged.zst', damaged), good],
  ]
  const { text, outcome } = await traced(t, [...crashed, { ...good, file: { dev: 0, ino: 1 }, label: 'other.core' }])
  t.match(text('crashed/good.txt'), / main\+0x/)
  t.match(text('errors.txt'), /text: .*it is no core of a kind that is unwound here/)
  t.match(text('errors.txt'), /it is not the file that was found there before/)
  t.equal(outcome.truncated, undefined, 'nothing is lost that could be had')
})

t.test('what systemd-coredump logged', async (t) => {
  const logged = `Stack trace of thread 4711:
#0  0x00007f2a4c0891f5 raise (libc.so.6 + 0x891f5)
#1  0x0000556677889900 n/a (patient + 0x1900)
#2  0x0000556677889911 _ZN3foo3barEv (n/a + 0x0)
ELF object binary architecture: AMD x86-64 \u001b[31m`
  const core = lying(import.meta.filename)
  const told = { label: 'patient.4711', core: core.path, identity: core.identity, logged }
  t.match(crashText(told), /\n#0 {2}0x00007f2a4c0891f5 raise \(libc\.so\.6 \+ 0x891f5\)\n/)
  t.ok(crashText(told).includes('\\u{1b}[31m'), 'no escape of whoever named a file')
  t.match(JSON.parse(crashJson(told)), {
    by: 'systemd-coredump',
    stacks: [
      {
        tid: 4711,
        frames: [
          { pc: '0x7f2a4c0891f5', module: 'libc.so.6', address: '0x891f5', function: 'raise' },
          { pc: '0x556677889900', module: 'patient', address: '0x1900', function: undefined },
          { pc: '0x556677889911', module: undefined },
        ],
      },
    ],
  })
})

t.test('what was logged of a crash of this boot that has left no core is told, once', async (t) => {
  const root = host(t)
  const entry = (pid: number, trace: string) => [
    ...crash(pid).filter((field) => !field.startsWith('MESSAGE=')),
    ...[`MESSAGE=Process ${pid} (app) of user 998 dumped core.\n\n${trace}`, 'COREDUMP_COMM=app'],
    ...from(coredumpUnit(pid), 998),
  ]
  const stack = (pid: number) => `Stack trace of thread ${pid}:\n#0  0x00007f2a4c0891f5 raise (libc.so.6 + 0x891f5)`
  const entries = [entry(7, stack(7)), entry(8, 'it was not looked into')]
  write(root, `/var/log/journal/${MACHINE}/system.journal`, writeJournal(entries))
  const old = writeJournal([entry(6, stack(6))], '4'.repeat(32))
  write(root, `/var/log/journal/${MACHINE}/system@old.journal`, old)
  const settings = { ...defaultSettings(), stacks: { processes: [], interval: 0 } }
  const session = tracesSource().open(contextOf(root, settings))
  const { found } = await session.inventory(PLENTY, unhurried())
  t.match(found, [{ name: 'traces.tar.zst', identity: { details: { crashed: 1 } } }])
  const told = unpacked(t, (await readAll(found[0])).content)
  t.match(
    told('crashed/app.7.txt'),
    /^app 7 crashed {2}signal 11 .*app@7\.service .*\nas systemd-coredump logged it:\n\nStack/,
  )
  t.match(JSON.parse(told('crashed/app.7.json')), { pid: 7, by: 'systemd-coredump', core: undefined })
  write(root, `/var/log/journal/${MACHINE}/system.journal`, writeJournal([...entries, entry(9, stack(9))]))
  const last = await lastWords(session)
  t.match(last.found, [{ name: 'traces-late.tar.zst', identity: { details: { crashed: 1 } } }], 'and what came later')
})

t.test('a core that is there only at the end is told of then', { skip }, async (t) => {
  const { core, directory } = await dead(t, 'sleep')
  const defaults = defaultSettings()
  const cores = { ...defaults.cores, directories: [directory] }
  const session = tracesSource().open(contextOf('/', { ...defaults, cores, stacks: { processes: [], interval: 0 } }))
  writeFileSync(join(directory, 'core.1'), core)
  const first = await session.inventory(PLENTY, unhurried())
  t.match(first.found, [{ name: 'traces.tar.zst', identity: { details: { crashed: 1 } } }])
  t.strictSame((await lastWords(session)).found, [], 'what was told of is not told again')
  writeFileSync(join(directory, 'core.2'), core)
  const last = await lastWords(session)
  t.match(last.found, [{ name: 'traces-late.tar.zst', class: 'text', identity: { details: { crashed: 1 } } }])
  t.equal(last.found.length, 1)
  const none = tracesSource().open(contextOf('/', { ...defaults, cores, traces: 'none' }))
  t.strictSame((await lastWords(none)).found, [])
})
