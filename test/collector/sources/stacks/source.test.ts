import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openSystem, type System } from '../../../../agent/collector/host/ffi.ts'
import { READ_BYTES } from '../../../../agent/collector/host/reading.ts'
import { canTrace } from '../../../../agent/collector/live-core/preflight.ts'
import { stacksSource } from '../../../../agent/collector/sources/stacks/source.ts'
import { defaultSettings, type Settings } from '../../../../agent/settings/schema.ts'
import type { StacksDetails } from '../../../../agent/words/details.ts'
import { allTaken } from '../../../streams/poisoned.ts'
import { contextOf, looked } from '../../looking.ts'
import { readAll, unhurried } from '../../reading.ts'
import { compiled, noCompiler, noTracing, plantedIn, started } from './program.ts'

const skip = noCompiler || noTracing()
const missing: System = { kind: 'missing', reason: 'this Node has no node:ffi' }

async function inventory(stacks: Partial<Settings['stacks']>, system = openSystem(), root = '/') {
  const seal = { ...defaultSettings().seal, unsealed: 'allow' as const }
  const settings = { ...defaultSettings(), seal, stacks: { ...defaultSettings().stacks, ...stacks } }
  return await looked(stacksSource(system), contextOf(root, settings))
}

/** Takes the stacks of these processes and unpacks them. */
async function take(
  t: Test,
  pids: number[],
  over: { limit?: number; system?: System; stacks?: Partial<Settings['stacks']> } = {},
) {
  const stacks = { processes: pids.map((pid) => `pid:${pid}`), ...over.stacks }
  const { found } = await inventory(stacks, over.system)
  const [item] = found
  if (item === undefined) throw new Error('nothing was found')
  await using reading = await item.open(over.limit ?? 1024 ** 3, unhurried())
  const chunks: Buffer[] = []
  for await (const chunk of allTaken(reading.chunks)) chunks.push(chunk)
  t.ok(chunks.every((chunk) => chunk.length <= READ_BYTES))
  const tar = Buffer.concat(chunks)
  // Not the test's own directory, which holds the program.
  const directory = mkdtempSync(join(tmpdir(), 'lastgasp-test-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const names = execFileSync('tar', ['-xvC', directory], { input: tar, encoding: 'utf8' }).trim().split('\n')
  const text = (name: string) => readFileSync(join(directory, name), 'utf8')
  return { item, tar, names, directory, text, outcome: reading.outcome() }
}

/** The lines of a table, by column. */
function rows(text: string): Record<string, string>[] {
  const [header = '', ...lines] = text.trimEnd().split('\n')
  const columns = header.split('\t')
  return lines.map((line) => Object.fromEntries(line.split('\t').map((cell, at) => [columns[at] ?? '', cell])))
}

t.test(
  'a deadlock, a spinning thread and an idle one: what hung is told, and gdb reads where it stood',
  { skip },
  async (t) => {
    const path = compiled(t)
    const [deadlock, spin, idle] = [
      await started(t, path, 'deadlock'),
      await started(t, path, 'spin'),
      await started(t, path, 'sleep'),
    ]
    const { item, tar, names, directory, text, outcome } = await take(t, [deadlock.pid, spin.pid, idle.pid])
    t.match(item, { id: 'stacks', name: 'stacks.tar.zst', class: 'memory', phase: 'live', encoding: 'frames' })
    t.strictSame(names.slice(0, 2), ['threads.tsv', 'threads.txt'], 'the table first')
    t.strictSame(names.slice(-4), ['later/threads.tsv', 'later/threads.txt', 'cores.tsv', 'errors.txt'])
    t.equal(outcome.truncated, undefined)
    const { threads = [], ...counts } = outcome.identity?.details as StacksDetails
    t.strictSame(counts, { source: 'stacks', processes: 3, looks: 2, stuck: 2 })
    const byPid = (pid: number | undefined) => threads.find((thread) => thread.pid === pid)
    t.match(byPid(deadlock.pid), { comm: 'patient', stand: 'deadlock?', blocked: false, call: 'futex' })
    t.match(byPid(spin.pid), { comm: 'patient', name: 'spinner', stand: 'spinning' })
    t.equal(outcome.identity?.threads, 6)
    t.type(outcome.identity?.freezeMs, 'number')
    const stands = (pid: number) =>
      rows(text('later/threads.tsv'))
        .filter((row) => row.pid === String(pid))
        .map((row) => row.stand)
    t.strictSame(stands(deadlock.pid), ['deadlock?', 'deadlock?', 'deadlock?'])
    t.strictSame(stands(spin.pid), ['still', 'spinning'])
    t.strictSame(stands(idle.pid), ['still'])
    t.match(
      rows(text('threads.tsv')).find((row) => row.pid === String(idle.pid)),
      { call: 'pause', comm: 'patient', exe: path },
    )
    t.equal(plantedIn(tar), undefined, 'nothing of an environment')

    const cores = rows(text('cores.tsv'))
    t.equal(cores.length, 3)
    for (const { core = '', pid, threads, missed, build_id, started = '' } of cores) {
      t.match(core, new RegExp(`^[^/]+/patient\\.${pid}\\.core$`))
      t.ok(Number(threads) > 0)
      t.equal(missed, '-')
      t.match(build_id, /^[0-9a-f]{8,}$/)
      t.ok(Math.abs(Date.now() - Date.parse(started)) < 600_000, 'started not long ago')
    }
    if (spawnSync('gdb', ['--version']).status !== 0) return t.comment('gdb is missing, so nobody judges the cores')
    const core = join(directory, cores.find(({ pid }) => pid === String(deadlock.pid))?.core ?? '')
    const said = execFileSync('gdb', ['-nx', '-batch', path, core, '-ex', 'thread apply all bt'], {
      encoding: 'utf8',
      stdio: 'pipe',
    })
    t.equal(said.match(/ in grab \(/g)?.length, 2)
    t.match(said, / main \(/)
  },
)

t.test('the processes run on, and a sleeping one sleeps at the same place', { skip }, async (t) => {
  const idle = await started(t, compiled(t), 'sleep')
  await take(t, [idle.pid], { stacks: { interval: 0 } })
  t.match(readFileSync(`/proc/${idle.pid}/status`, 'utf8'), /State:\tS.*TracerPid:\t0\n/s)
})

t.test('where nobody can be traced, the table alone, and the receipt says so', { skip: noCompiler }, async (t) => {
  const idle = await started(t, compiled(t), 'sleep')
  const { names, outcome } = await take(t, [idle.pid], { system: missing })
  t.strictSame(names, [
    'threads.tsv',
    'threads.txt',
    'later/threads.tsv',
    'later/threads.txt',
    'cores.tsv',
    'errors.txt',
  ])
  t.equal(
    outcome.truncated,
    'no cores, only the table of threads: processes cannot be traced: this Node has no node:ffi',
  )
})

t.test('a kernel that refuses each of them costs the cores, not the table', { skip }, async (t) => {
  const idle = await started(t, compiled(t), 'sleep')
  const system = openSystem()
  const EPERM = 1
  // As for a security module that nobody knew of: what Yama's scope 3 answers.
  const refusing: System = system.kind === 'missing' ? system : { ...system, ptrace: () => EPERM }
  const { names, text, outcome } = await take(t, [idle.pid], { system: refusing, stacks: { interval: 0 } })
  t.strictSame(names, ['threads.tsv', 'threads.txt', 'cores.tsv', 'errors.txt'])
  t.match(outcome.truncated, /^of 1 of 1 processes there is no core: patient \d+: the kernel refuses to trace it/)
  t.match(rows(text('threads.tsv')), [{ pid: String(idle.pid), call: 'pause', wchan: /./, sp: /^0x/, ip: /^0x/ }])
  t.match(rows(text('cores.tsv')), [{ core: '-', missed: /the kernel refuses to trace it/ }])
})

t.test('Yama’s scope 3 is known beforehand, and nobody is touched', async (t) => {
  const yama = { ptrace_scope: '3\n' }
  const root = t.testdir({ proc: { sys: { kernel: { yama } } } })
  t.strictSame(canTrace(openSystem(), root), {
    ok: false,
    reason: 'the kernel lets nobody trace: kernel.yama.ptrace_scope is 3',
  })
})

t.test('kernel stacks, for who may see them', { skip: skip || noKernelStacks() }, async (t) => {
  const idle = await started(t, compiled(t), 'sleep')
  const { text } = await take(t, [idle.pid], { system: missing, stacks: { interval: 0 } })
  t.match(rows(text('threads.tsv')), [{ kernel_stack: /pause/ }])
  t.match(text('threads.txt'), /^ {13}\S*pause/m)
})

function noKernelStacks(): string | false {
  try {
    return readFileSync('/proc/self/stack', 'utf8') === '' && 'this kernel keeps no stacks'
  } catch {
    return 'kernel stacks take CAP_SYS_ADMIN'
  }
}

t.test('a thread that cannot be stopped is named, and all that can be known of it is whole', { skip }, async (t) => {
  const blocked = await started(t, compiled(t), 'blocked')
  const { text, outcome } = await take(t, [blocked.pid], { stacks: { interval: 100 } })
  t.equal(outcome.truncated, undefined)
  t.match(outcome.identity?.details, {
    ...{ processes: 1, stuck: 1, partial: 1 },
    threads: [{ pid: blocked.pid, name: 'lost', stand: 'blocked', blocked: true, wchan: String }],
  })
  t.match(rows(text('cores.tsv')), [
    { core: /\.core$/, threads: '2', missed: /uninterruptible sleep: of its registers/ },
  ])
})

t.test('no room for a core: the tables, and the word that it is not there', { skip }, async (t) => {
  const idle = await started(t, compiled(t), 'sleep')
  const { names, outcome } = await take(t, [idle.pid], { limit: 40_000, stacks: { interval: 0 } })
  t.strictSame(names, ['threads.tsv', 'threads.txt', 'cores.tsv', 'errors.txt'])
  t.match(outcome.truncated, /of 1 of 1 processes there is no core: patient \d+: no room for its \d+ bytes/)
  t.strictSame(outcome.identity?.details, { source: 'stacks', processes: 1, looks: 1, stuck: 0 })
})

t.test('a process that ends meanwhile is nothing missing', { skip }, async (t) => {
  const path = compiled(t)
  const [one, other] = [await started(t, path, 'sleep'), await started(t, path, 'sleep')]
  const { found } = await inventory({ processes: [`exe:${path}`], interval: 0 })
  await one.end()
  const { content, outcome } = await readAll(found[0])
  t.equal(outcome.truncated, undefined)
  t.ok(content.includes(`patient.${other.pid}.core`))
})

t.test('stopped early, the tar is whole all the same', { skip }, async (t) => {
  const idle = await started(t, compiled(t), 'sleep')
  const { found } = await inventory({ processes: [`pid:${idle.pid}`], interval: 5000 })
  const stop = new AbortController()
  const reading = await found[0]?.open(1024 ** 3, stop.signal)
  if (reading === undefined) throw new Error('nothing was found')
  const chunks: Buffer[] = []
  for await (const chunk of allTaken(reading.chunks)) {
    chunks.push(chunk)
    if (chunk.includes('.core')) stop.abort(new Error('the time is up'))
  }
  const tar = Buffer.concat(chunks)
  const names = execFileSync('tar', ['-t'], { input: tar, encoding: 'utf8' }).trim().split('\n')
  t.match(names, ['threads.tsv', 'threads.txt', /\.core$/, 'cores.tsv', 'errors.txt'])
  t.ok(tar.subarray(-1024).equals(Buffer.alloc(1024)))
  await reading[Symbol.asyncDispose]()
})

t.test('nothing to take is a gap that says why', async (t) => {
  const gap = async (stacks: Partial<Settings['stacks']>, root: string) => (await inventory(stacks, missing, root)).gaps
  const alone = t.testdir({
    proc: { '7': { stat: '7 (app) S 1 1 1 0 -1 0 0 0 0 0 1 1 0 0 20 0 1 0 9 0 0', cgroup: '0::/\n' } },
  })
  t.match(await gap({ processes: ['services'] }, alone), [
    { source: 'stacks', class: 'memory', status: 'absent', reason: /no process is in a unit/ },
  ])
  t.match(await gap({ processes: ['pid:99'] }, alone), [{ status: 'absent', reason: /there is no process 99/ }])
  t.match(await gap({ processes: [] }, alone), [{ status: 'skipped', reason: /stacks\.processes/ }])
  t.match(await gap({ processes: [`pid:${process.pid}`] }, '/'), [{ status: 'absent' }], 'never ourselves')
})
