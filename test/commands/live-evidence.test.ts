import { execFileSync, spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { placeOf } from '../../agent/operator/fetch/landing.ts'
import { compiled, noCompiler, noTracing, started } from '../collector/sources/stacks/program.ts'
import { asProcess, lastgasp } from './lastgasp.ts'
import { filesBelow } from './set-up.ts'

const skip = noCompiler || noTracing()

t.test('from a process that hangs to its threads in gdb, by three commands', { skip }, async (t) => {
  const path = compiled(t)
  const { pid } = await started(t, path, 'deadlock')
  const scratch = await mkdtemp(join(tmpdir(), 'lastgasp-test-'))
  t.teardown(() => rm(scratch, { recursive: true }))
  const store = ['--store', pathToFileURL(join(scratch, 'bucket')).href]
  const set = [
    ...['seal.unsealed=allow', 'journal.limit=0B', 'cores.directories=[]', 'identity=host-1', 'executables=unpackaged'],
    'memory.scope=off',
    ...[`stacks.processes=["exe:${path}"]`, `live.cores=["pid:${pid}"]`, 'live.when=always'],
  ].flatMap((one) => ['--set', one])
  const captured = await asProcess(['capture', ...store, ...set])
  t.match(captured.stdout, /bundle of \d+ artifacts/, captured.stderr)
  t.match(await readFile(`/proc/${pid}/status`, 'utf8'), /State:\tS.*TracerPid:\t0\n/s, 'it runs on')

  const shown = await lastgasp(['show', 'latest', ...store])
  t.match(shown.stdout, /\nstuck {4}1 of 1 process stuck: patient \d+ in a deadlock\?\n/)
  t.match(shown.stdout, new RegExp(`complete .* live/patient\\.${pid}\\.core\\.zst`))

  const to = join(scratch, 'to')
  const fetched = await lastgasp(['fetch', 'latest', '--to', to, '--only', 'stacks,live,executables', ...store])
  t.match(fetched, { code: 0, stdout: /less stacks\/later\/threads\.txt\n/ })
  const landed = await filesBelow(to)
  t.equal(landed.filter((name) => /^open\/by-build-id\/[0-9a-f]+$/.test(name)).length, 1)
  t.strictSame(
    landed.filter((name) => !name.startsWith('open/by-build-id/')),
    [
      ...['.lastgasp-bundle', `live/patient.${pid}.core`, 'manifest.json', 'open/confine.py'],
      ...[`open/live/patient.${pid}.core.gdb`, `open/stacks/no-unit/patient.${pid}.core.gdb`, 'open/symbols.py'],
      ...['opening.json', 'plan.json', placeOf(path), 'stacks/cores.tsv', 'stacks/errors.txt'],
      ...['stacks/later/threads.tsv', 'stacks/later/threads.txt'],
      ...[`stacks/no-unit/patient.${pid}.core`, 'stacks/threads.tsv', 'stacks/threads.txt'],
    ],
  )
  if (spawnSync('gdb', ['--version']).status !== 0) return t.comment('gdb is missing, so nobody opens the cores')
  const commands = [...fetched.stdout.matchAll(/ gdb .* -x (\S+)$/gm)].map(([, script]) => script ?? '')
  t.equal(commands.length, 2)
  // As an operator would, whose machine does not have the program.
  rmSync(path)
  for (const script of commands) {
    // Its libraries are those of this machine.
    const image = ['-ex', 'set $image = "/"']
    const args = ['-nx', '-batch', ...image, '-x', 'open/confine.py', '-x', script]
    const said = execFileSync('gdb', args, {
      cwd: to,
      encoding: 'utf8',
      stdio: 'pipe',
    })
    const [all = '', lastly = ''] = said.split(/^The thread that matters first: \d+ \(deadlock\?\)$/m)
    t.equal(all.match(/ in grab \(/g)?.length, 2, script)
    t.match(lastly, / in grab \(/, 'the end of the output is where it hangs')
  }
})

t.test('where memory may not leave, what hung is told by function all the same', { skip }, async (t) => {
  const path = compiled(t)
  const { pid } = await started(t, path, 'deadlock')
  const scratch = await mkdtemp(join(tmpdir(), 'lastgasp-test-'))
  t.teardown(() => rm(scratch, { recursive: true }))
  const store = ['--store', pathToFileURL(join(scratch, 'bucket')).href]
  const set = [
    ...['journal.limit=0B', 'cores.directories=[]', 'identity=host-1', 'memory.scope=off'],
    `stacks.processes=["exe:${path}"]`,
  ].flatMap((one) => ['--set', one])
  const captured = await asProcess(['capture', ...store, ...set])
  t.match(captured.stdout, /bundle of \d+ artifacts/, captured.stderr)
  const shown = await lastgasp(['show', 'latest', ...store])
  t.match(shown.stdout, /complete .* traces\.tar\.zst: 1 process, \d+ % of \d+ frames named\n/)
  t.match(shown.stdout, /complete .* threads\.tar\.zst/)
  t.notMatch(shown.stdout, /stacks\.tar\.zst/)

  const to = join(scratch, 'to')
  const fetched = await lastgasp(['fetch', 'latest', '--to', to, '--only', 'traces,stacks', ...store])
  t.match(fetched, { code: 0, stdout: /less traces\/traces\.txt\n/ })
  t.match(fetched.stdout, /less threads\/threads\.txt\n/)
  t.strictSame(
    (await filesBelow(to)).filter((name) => name.includes('/')),
    [
      ...['threads/errors.txt', 'threads/threads.tsv', 'threads/threads.txt', 'traces/errors.txt'],
      ...[`traces/no-unit/patient.${pid}.json`, `traces/no-unit/patient.${pid}.txt`, 'traces/traces.txt'],
    ],
  )
  const told = await readFile(join(to, 'traces/traces.txt'), 'utf8')
  t.match(told, /^2 threads: .*\n.*(?:.*\n)+?^#\d+ +0x[0-9a-f]{16} grab\+0x[0-9a-f]+ \(patient\)$/m)
})
