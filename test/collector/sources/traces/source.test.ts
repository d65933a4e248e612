import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openSystem } from '../../../../agent/collector/host/ffi.ts'
import type { HungThread } from '../../../../agent/collector/processes/hangs.ts'
import { newPatients, type Patients } from '../../../../agent/collector/processes/patients.ts'
import type { Found } from '../../../../agent/collector/sources/source.ts'
import { stacksSource } from '../../../../agent/collector/sources/stacks/source.ts'
import { fingerprintOf } from '../../../../agent/collector/sources/traces/fingerprint.ts'
import { tracesSource } from '../../../../agent/collector/sources/traces/source.ts'
import { defaultSettings } from '../../../../agent/settings/schema.ts'
import { allTaken } from '../../../streams/poisoned.ts'
import { contextOf, looked } from '../../looking.ts'
import { unhurried } from '../../reading.ts'
import { compiled, noCompiler, noTracing, plantedIn, started } from '../stacks/program.ts'

const skip = noCompiler || noTracing()

/** Takes an item, and gives the bytes of its tar. */
async function taken(item: Found | undefined, limit = 1024 ** 3, signal = unhurried()) {
  if (item === undefined) throw new Error('it was not found')
  await using reading = await item.open(limit, signal)
  const chunks: Buffer[] = []
  for await (const chunk of allTaken(reading.chunks)) chunks.push(Buffer.from(chunk))
  return { tar: Buffer.concat(chunks), outcome: reading.outcome() }
}

/** What is in a tar, by name. */
function unpacked(t: Test, tar: Buffer): ReadonlyMap<string, string> {
  const directory = mkdtempSync(join(tmpdir(), 'lastgasp-test-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const names = execFileSync('tar', ['-xvC', directory], { input: tar, encoding: 'utf8' }).trim().split('\n')
  return new Map(names.map((name) => [name, readFileSync(join(directory, name), 'utf8')]))
}

/** Patients of whom these are known to hang. */
function hanging(...hangs: readonly { readonly pid: number; readonly kind: 'deadlock' | 'spinning' }[]): Patients {
  const patients = newPatients('/')
  const hung = hangs.map(({ pid, kind }) => {
    const process = { pid } as HungThread['process']
    return kind === 'deadlock'
      ? ({ process, tid: pid, kind, waits: [] } as const)
      : ({ process, tid: pid + 1, kind, seconds: 60 } as const)
  })
  return { ...patients, survey: async (ms, signal) => ({ ...(await patients.survey(ms, signal)), hangs: hung }) }
}

/** One capture of these processes: what is listed, and taken in the order of a capture. */
async function captured(
  t: Test,
  pids: readonly number[],
  seal: 'open' | 'closed',
  limit?: number,
  patients = newPatients('/'),
) {
  const defaults = defaultSettings()
  const settings = {
    ...defaults,
    seal: { ...defaults.seal, unsealed: seal === 'open' ? ('allow' as const) : ('deny' as const) },
    stacks: { processes: pids.map((pid) => `pid:${pid}`), interval: defaults.stacks.interval },
    cores: { ...defaults.cores, directories: [t.testdirName] },
  }
  const context = contextOf('/', settings, patients)
  const first = await looked(stacksSource(openSystem()), context)
  const { found } = await looked(tracesSource(), context)
  const stacks = await taken(first.found[0])
  const traces = await taken(found[0], limit)
  return { first, item: found[0], stacks, traces, files: unpacked(t, traces.tar) }
}

const named = (files: ReadonlyMap<string, string>, pid: number, suffix: 'txt' | 'json') =>
  [...files].find(([name]) => name.endsWith(`.${pid}.${suffix}`))?.[1] ?? ''

t.test('a deadlock, a spinning thread and an idle one, as a person reads them', { skip }, async (t) => {
  const path = compiled(t)
  const deadlock = await started(t, path, 'deadlock')
  const spin = await started(t, path, 'spin')
  const idle = await started(t, path, 'sleep')
  const { item, traces, files } = await captured(t, [idle.pid, deadlock.pid, spin.pid], 'open')
  t.match(item, { name: 'traces.tar.zst', class: 'text', phase: 'stored' })
  t.equal(traces.outcome.truncated, undefined)
  t.match(traces.outcome.identity?.details, { source: 'traces', processes: 3, crashed: 0, threads: 6 })

  const text = named(files, deadlock.pid, 'txt')
  t.match(text, /^2 threads: \d+, \d+ {2}\(deadlock\?; in S; futex/m, 'the same stack stands once')
  t.match(text, /^#\d+ +0x[0-9a-f]{16} grab\+0x[0-9a-f]+ \(patient\)$/m)
  t.match(text, /^#\d+ +0x[0-9a-f]{16} main\+0x[0-9a-f]+ \(patient\)$/m)
  t.match(text, /pthread_mutex_lock.*\(libc\.so\.6\)$/m)
  t.match(
    named(files, spin.pid, 'txt').split('\n\n')[1],
    /spinning.*\n(kernel.*\n)?#0 +0x[0-9a-f]+ spin\+0x/,
    'who spins is on top',
  )
  const names = [...files.keys()].filter((name) => name.endsWith('.txt'))
  t.ok((names[0] ?? '').includes(String(deadlock.pid)), 'who hangs is first')
  t.ok((names[2] ?? '').includes(String(idle.pid)))
  t.equal(names.at(-1), 'errors.txt')

  const json = JSON.parse(named(files, deadlock.pid, 'json'))
  t.match(json, { version: 1, pid: deadlock.pid, comm: 'patient', threads: Array(3).fill({ stand: 'deadlock?' }) })
  const grab = json.stacks[0].frames.find((frame: { function?: string }) => frame.function === 'grab')
  t.match(grab, { kind: 'return', by: 'cfi', named: 'symtab' })
  t.match(json.modules[grab.module], { path, buildId: /^[0-9a-f]{8,}$/ })
  t.equal(plantedIn(traces.tar), undefined, 'nothing of an environment')
})

t.test(
  'who hangs at the same place has the same fingerprint, whatever it is called and wherever it lies',
  { skip },
  async (t) => {
    const path = compiled(t)
    const [first, second, spin] = [
      await started(t, path, 'deadlock'),
      await started(t, path, 'deadlock'),
      await started(t, path, 'spin'),
    ]
    const pids = [first.pid, second.pid, spin.pid]
    const deadlocks = [first, second].map(({ pid }) => ({ pid, kind: 'deadlock' }) as const)
    const patients = hanging(...deadlocks, { pid: spin.pid, kind: 'spinning' })
    const { traces } = await captured(t, pids, 'open', undefined, patients)
    const { details } = traces.outcome.identity ?? {}
    const prints = details?.source === 'traces' ? (details.fingerprints ?? []) : []
    const of = (name: string) => fingerprintOf([[{ module: path, function: name }]])
    t.strictSame(
      prints.toSorted((a, b) => (a.pid ?? 0) - (b.pid ?? 0)),
      [
        ...deadlocks.map(({ pid }) => ({ of: 'deadlock', pid, fingerprint: of('grab') })),
        { of: 'spinning', pid: spin.pid, fingerprint: of('spin') },
      ].toSorted((a, b) => a.pid - b.pid),
    )
  },
)

t.test('where memory may not leave, the traces are made all the same, and no core', { skip }, async (t) => {
  const path = compiled(t)
  const deadlock = await started(t, path, 'deadlock')
  const spin = await started(t, path, 'spin')
  const idle = await started(t, path, 'sleep')
  const pids = [idle.pid, spin.pid, deadlock.pid]
  const { first, stacks, files } = await captured(t, pids, 'closed')
  t.match(first.found, [{ name: 'threads.tar.zst', class: 'text', phase: 'live' }])
  t.equal(first.found.length, 1)
  t.match(first.gaps, [{ status: 'skipped', class: 'memory', reason: /no recipient is set/ }])
  t.strictSame([...unpacked(t, stacks.tar).keys()], ['threads.tsv', 'threads.txt', 'errors.txt'])
  t.match(stacks.outcome.identity?.details, { source: 'stacks', looks: 1 }, 'nobody is held for a second look')
  t.match(named(files, idle.pid, 'txt'), / main\+0x/)
  t.match(named(files, deadlock.pid, 'txt'), /^2 threads: .*deadlock\?/m, 'which is made all the same')
  t.match(named(files, spin.pid, 'txt'), /spinning/)
})

t.test('a process that has ended since is told of: its files were opened while it lived', { skip }, async (t) => {
  const idle = await started(t, compiled(t), 'sleep')
  const defaults = defaultSettings()
  const stacks = { processes: [`pid:${idle.pid}`], interval: 0 }
  const context = contextOf('/', { ...defaults, stacks, cores: { ...defaults.cores, directories: [] } })
  const first = await looked(stacksSource(openSystem()), context)
  const { found } = await looked(tracesSource(), context)
  await taken(first.found[0])
  await idle.end()
  const { tar } = await taken(found[0])
  t.match(named(unpacked(t, tar), idle.pid, 'txt'), / main\+0x/)
})

t.test('what there is no room or no time for is told', { skip }, async (t) => {
  const idle = await started(t, compiled(t), 'sleep')
  const { traces } = await captured(t, [idle.pid], 'open', 11_000)
  t.match(traces.outcome.truncated, /^\S+\.json: no room for its \d+ bytes|^traces\.txt: no room/)
  const defaults = defaultSettings()
  const stacks = { processes: [`pid:${idle.pid}`], interval: 0 }
  const context = contextOf('/', { ...defaults, stacks, cores: { ...defaults.cores, directories: [] } })
  const first = await looked(stacksSource(openSystem()), context)
  const { found } = await looked(tracesSource(), context)
  const early = await taken(found[0])
  t.equal(early.outcome.truncated, 'stacks: none were taken that could be told of')
  await taken(first.found[0])
  const late = await taken(found[0], 1024 ** 3, AbortSignal.abort())
  t.equal(late.outcome.truncated, 'stacks: the time was up: 0 of 1 processes are told of')
  t.ok(unpacked(t, late.tar).has('errors.txt'), 'and the tar is whole')
})

t.test('whom it is about', async (t) => {
  const defaults = { ...defaultSettings(), cores: { ...defaultSettings().cores, directories: [] } }
  const gaps = async (over: object, occasion: object = {}) => {
    const context = { ...contextOf('/', { ...defaults, ...over } as never), ...occasion }
    const { found, gaps } = await looked(tracesSource(), context)
    t.strictSame(found, [])
    return gaps
  }
  t.match(await gaps({ traces: 'none' }), [{ status: 'skipped', reason: 'traces = "none"' }])
  const absent = [{ status: 'absent', reason: 'no process was meant, and none has left a core' }]
  t.match(await gaps({ traces: 'crashed' }), absent)
  t.match(await gaps({ stacks: { processes: [], interval: 0 } }), absent)
  const wished = { stacks: { processes: [`pid:${process.ppid}`], interval: 0 } }
  t.match(
    await gaps(wished, { occasion: { trigger: 'notice', boot: 'this' } }),
    absent,
    'who is told to go is not stopped',
  )
})

t.test('where nobody can be traced, the receipt says why', { skip: noCompiler }, async (t) => {
  const idle = await started(t, compiled(t), 'sleep')
  const defaults = defaultSettings()
  const stacks = { processes: [`pid:${idle.pid}`], interval: 0 }
  const context = contextOf('/', { ...defaults, stacks, cores: { ...defaults.cores, directories: [] } })
  const missing = { kind: 'missing', reason: 'this Node has no node:ffi' } as const
  const first = await looked(stacksSource(missing), context)
  const { found } = await looked(tracesSource(), context)
  await taken(first.found[0])
  const { tar, outcome } = await taken(found[0])
  t.match(outcome.truncated, /^stacks: processes cannot be traced: this Node has no node:ffi/)
  t.match(unpacked(t, tar).get('errors.txt'), /no node:ffi/)
})
