import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { takeStackCore } from '../../../../agent/collector/live-core/stack-core.ts'
import { Intake } from '../../../../agent/collector/sources/cores/intake.ts'
import { coresSource } from '../../../../agent/collector/sources/cores/source.ts'
import type { Found, Inventory, SourceSession } from '../../../../agent/collector/sources/source.ts'
import { fingerprintOf } from '../../../../agent/collector/sources/traces/fingerprint.ts'
import { tracesSource } from '../../../../agent/collector/sources/traces/source.ts'
import { defaultSettings } from '../../../../agent/settings/schema.ts'
import { host } from '../../crashed-cores/cores.ts'
import { limits, never, system, targetOf } from '../../live-core/patients.ts'
import { contextOf, PLENTY } from '../../looking.ts'
import { readAll, unhurried } from '../../reading.ts'
import { compiled, noCompiler, noTracing, started } from '../stacks/program.ts'

const skip = noCompiler || noTracing()
const UNLIMITED = '18446744073709551615'
const PID = 300
/** What the kernel gives of a process that waits for who reads its core. */
const THERE = ['auxv', 'maps', 'mem', 'pagemap', 'map_files', 'root', 'exe']

/** A host on which a process waits as one does that has crashed; `crash` hands its core over. */
async function crashing(t: Test, { isGone = false, traced = true } = {}) {
  const root = host(t)
  const program = compiled(t)
  const { pid } = await started(t, program, 'deadlock')
  const { core } = await takeStackCore(targetOf(pid), limits, system, never)
  if (isGone) rmSync(program)
  const proc = join(root, `proc/${PID}`)
  mkdirSync(proc)
  writeFileSync(join(proc, 'status'), 'Name:\tshop\nUid:\t0\t0\t0\t0\nThreads:\t3\nVmRSS:\t 100 kB\nCoreDumping:\t1\n')
  writeFileSync(join(proc, 'cgroup'), '0::/system.slice/shop.service\n')
  for (const name of THERE) symlinkSync(`/proc/${pid}/${name}`, join(proc, name))

  const directory = join(root, 'run/lastgasp')
  mkdirSync(join(directory, 'wall'), { recursive: true })
  execFileSync('mkfifo', ['-m', '600', join(directory, 'crashes')])
  const seal: { closed?: string } = {}
  const places = { root, fifo: join(directory, 'crashes'), directory: join(directory, 'wall') }
  const intake = new Intake({ ...places, closed: () => seal.closed, traced: () => traced })
  t.teardown(() => intake[Symbol.dispose]())
  intake.begin()
  const crash = async (limit: string, content: Buffer = core) => {
    writeFileSync(join(root, 'core'), content)
    const script = 'cat "$0" | sh -c "echo \\$\\$; exec sleep 60 >/dev/null"'
    const shell = spawn('sh', ['-c', script, join(root, 'core')], { stdio: ['ignore', 'pipe', 'ignore'] })
    const handler = Number(String((await once(shell.stdout, 'data'))[0]))
    t.ok(handler > 1)
    t.teardown(() => process.kill(handler, 'SIGKILL'))
    symlinkSync(`/proc/${handler}`, join(root, `proc/${handler}`))
    writeFileSync(join(directory, 'crashes'), `${PID} 11 1700000000 0 ${limit} ${handler}\n`)
  }
  return { root, intake, seal, crash, core }
}

/** The two sources of one capture, watched. */
async function watched({ root, intake }: Awaited<ReturnType<typeof crashing>>, over: object = {}) {
  const defaults = defaultSettings()
  const stacks = { ...defaults.stacks, processes: [] }
  const context = contextOf(root, { ...defaults, stacks, ...over })
  const stop = new AbortController()
  const all: Inventory[] = []
  const follow = async (session: SourceSession) => {
    await session.inventory(PLENTY, unhurried())
    for await (const one of session.comesUp?.(PLENTY, stop.signal, unhurried()) ?? []) all.push(one)
  }
  const both = [coresSource(system, intake), tracesSource()].map((source) => follow(source.open(context)))
  const heard = async <T>(what: (inventory: Inventory) => readonly T[]): Promise<readonly T[]> => {
    while (all.flatMap(what).length === 0) await sleep(5)
    return all.flatMap(what)
  }
  const end = async () => {
    stop.abort()
    await Promise.all(both)
    return all.flatMap(({ found }) => found).filter(({ source }) => source === 'traces')
  }
  return { heard, end }
}

async function told(t: Test, item: Found | undefined) {
  const { content, outcome } = await readAll(item)
  const directory = t.testdir({})
  execFileSync('tar', ['-xC', directory], { input: content })
  return { text: (name: string) => readFileSync(join(directory, name), 'utf8'), outcome }
}

t.test('who crashes while the host goes down is told of by function, and its core taken whole', { skip }, async (t) => {
  const crashed = await crashing(t, { isGone: true })
  const watch = await watched(crashed)
  await crashed.crash(UNLIMITED)
  const [core] = await watch.heard(({ found }) => found)
  t.match(core, { name: 'cores/shop.300.core.zst', class: 'memory' })
  t.ok((await readAll(core)).content.equals(crashed.core), 'what was read for its stacks is in it')
  const [item, ...more] = await watch.end()
  t.match(item, { name: 'traces-late.tar.zst', class: 'text', identity: { details: { crashed: 1 } } })
  t.strictSame(more, [])
  const { text, outcome } = await told(t, item)
  const crash = text('crashed/shop.300.txt')
  t.match(
    crash,
    /^shop 300 crashed {2}signal 11 {2}2023-11-14T22:13:20Z {2}shop\.service {2}\/.*\n\nthread \d+ {2}\(crashed\)\n/,
  )
  t.match(crash, /^#\d+ +0x[0-9a-f]+ grab\+0x[0-9a-f]+ \(patient.*\)$/m)
  t.match(crash, / main\+0x[0-9a-f]+ \(patient/)
  t.match(JSON.parse(text('crashed/shop.300.json')), { crashed: true, by: 'lastgasp', signal: 11, core: undefined })
  const fingerprint = fingerprintOf([[{ module: 'patient', function: 'main' }]])
  const fingerprints = [{ of: 'crash', pid: PID, at: 1_700_000_000_000, fingerprint }]
  t.match(outcome.identity?.details, { crashed: 1, threads: 3, fingerprints })
  t.match(text('errors.txt'), /^Everything/)
})

t.test('also where class memory may not leave, and where there is a core limit of 0', { skip }, async (t) => {
  for (const [closed, limit, because] of [
    ['no recipient is set', UNLIMITED, 'seal'],
    [undefined, '0', 'host'],
  ] as const) {
    const crashed = await crashing(t)
    if (closed !== undefined) crashed.seal.closed = closed
    const watch = await watched(crashed)
    await crashed.crash(limit)
    t.match(await watch.heard(({ gaps }) => gaps.filter(({ identity }) => identity?.pid === PID)), [
      { class: 'memory', status: 'failed', because, reason: /^shop\[300\] crashed while .*(no recipient|core limit)/ },
    ])
    const [item] = await watch.end()
    t.match((await told(t, item)).text('crashed/shop.300.txt'), / grab\+0x/)
  }
})

t.test('what is no core costs itself, and who wants no traces gets none', { skip }, async (t) => {
  const strange = await crashing(t)
  const watch = await watched(strange)
  await strange.crash(UNLIMITED, Buffer.from('no core'))
  const [core] = await watch.heard(({ found }) => found)
  t.equal(String((await readAll(core)).content), 'no core')
  const { text } = await told(t, (await watch.end())[0])
  t.match(text('errors.txt'), /shop\.300: .*of no kind that is unwound here/)

  const unwanted = await crashing(t, { traced: false })
  const other = await watched(unwanted, { traces: 'none' })
  await unwanted.crash('0')
  await other.heard(({ gaps }) => gaps.filter(({ identity }) => identity?.pid === PID))
  t.strictSame(await other.end(), [])
})
