import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { openFullCore } from '../../../agent/collector/live-core/full-core.ts'
import { takeStackCore } from '../../../agent/collector/live-core/stack-core.ts'
import { Standstill } from '../../../agent/collector/live-core/standstill.ts'
import { Unsupported, type Untouchable } from '../../../agent/collector/live-core/target.ts'
import { stateOf } from '../../../agent/collector/live-core/threads.ts'
import { allTaken } from '../../streams/poisoned.ts'
import {
  compile,
  limits,
  never,
  PROGRAMS,
  start,
  status,
  system,
  targetOf,
  traced,
  until,
  without,
} from './patients.ts'
import { readElf } from './read-elf.ts'
import { scratch } from './scratch.ts'

t.setTimeout(300_000)

const possible = { skip: traced.skip || without('gcc') }
const SIGRTMIN = 34
const SIGNALS = 63

const tids = (pid: number) => (existsSync(`/proc/${pid}/task`) ? readdirSync(`/proc/${pid}/task`) : [])
const traces = (pid: number) => Number(status(pid, 'TracerPid'))

t.test('threads that come and go, signals that arrive: nothing is lost, all run on', possible, async (t) => {
  const directory = scratch(t)
  const counts = join(directory, 'counts')
  writeFileSync(counts, Buffer.alloc(4096))
  const { target } = await start(t, directory, [compile(directory, 'alive'), counts])
  const count = (slot: number) => readFileSync(counts).readUInt32LE(slot * 4)
  let sent = 0
  for (let round = 0; round < 20; round += 1) {
    const taking = takeStackCore(target, limits, system, never)
    for (let i = 0; i < 5; i += 1) {
      process.kill(target.pid, SIGRTMIN)
      sent += 1
      await setTimeout(1)
    }
    const { threads, missed } = await taking
    t.ok(threads >= 17 && missed.length === 0, missed.join())
    t.equal(traces(target.pid), 0)
  }
  await until('every signal has arrived', () => count(SIGNALS) === sent)
  const before = readFileSync(counts)
  for (let slot = 0; slot <= 16; slot += 1) {
    await until(`thread ${slot} goes on`, () => count(slot) !== before.readUInt32LE(slot * 4))
  }
})

t.test('an abort lets it go at once', possible, async (t) => {
  const directory = scratch(t)
  const { target } = await start(t, directory, [compile(directory, 'data', ['-O2']), 'churn'])
  const abort = new AbortController()
  await using reading = await openFullCore(target, 'whole', limits, system, abort.signal)
  t.equal(traces(target.pid), process.pid)
  abort.abort(new Error('enough'))
  t.equal(traces(target.pid), 0)
  await t.rejects(Array.fromAsync(allTaken(reading.chunks)), { message: 'enough' })
  await t.rejects(takeStackCore(target, limits, system, abort.signal), { message: 'enough' })
  t.equal(traces(target.pid), 0)
})

t.test('a reading that is closed early lets it go', possible, async (t) => {
  const directory = scratch(t)
  const { target } = await start(t, directory, [compile(directory, 'data')])
  {
    await using reading = await openFullCore(target, 'whole', limits, system, never)
    for await (const _ of allTaken(reading.chunks)) break
    t.equal(traces(target.pid), process.pid)
  }
  t.equal(traces(target.pid), 0)
})

t.test('a thread that cannot be stopped costs nothing, and its place is known all the same', possible, async (t) => {
  const directory = scratch(t)
  const { target } = await start(t, directory, [compile(directory, 'vfork', ['-O2', '-g'])])
  await until('it sleeps for good', () => status(target.pid, 'State').startsWith('D'))
  t.teardown(() =>
    execFileSync('sh', ['-c', `for child in $(cat /proc/${target.pid}/task/*/children); do kill -9 $child; done`]),
  )
  const { core, missed, threads, freezeMs } = await takeStackCore(target, limits, system, never)
  t.equal(threads, 2)
  t.match(missed, [
    /^thread \d+ is in uninterruptible sleep: of its registers only program counter, stack pointer and arguments are known$/,
  ])
  t.equal(missed.length, 1)
  t.ok(freezeMs < limits.freezeMs / 2, 'the others did not wait for it')
  t.equal(traces(target.pid), 0)
  const [first] = readElf(core).notes.filter(({ type }) => type === 1)
  t.equal(first?.content.readInt32LE(32), target.pid)
  if (without('gdb') !== false) return
  const path = join(directory, 'core')
  writeFileSync(path, core)
  const args = ['-nx', '-batch', '-ex', `core-file ${path}`, '-ex', 'bt', join(directory, 'vfork')]
  t.match(
    execFileSync('gdb', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    /#1 .* stuck_here .*\n#2 .* main /,
  )
})

t.test('more threads than the limit', possible, async (t) => {
  const directory = scratch(t)
  const { target } = await start(t, directory, [compile(directory, 'threads')])
  const { core, threads, missed } = await takeStackCore(target, { ...limits, threads: 10 }, system, never)
  t.equal(threads, 10)
  t.same(missed, ['54 more threads were not looked at'])
  const noted = readElf(core).notes.filter(({ type }) => type === 1)
  t.same(
    noted.map(({ content }) => content.readInt32LE(32)),
    tids(target.pid).slice(0, 10).map(Number),
  )
})

t.test('what must not or cannot be touched says why', possible, async (t) => {
  const directory = scratch(t)
  const refused = (target: Parameters<typeof takeStackCore>[0], message: string | RegExp) =>
    t.rejects(takeStackCore(target, limits, system, never), { name: 'Untouchable', message } as unknown as Untouchable)
  const { target } = await start(t, directory, [compile(directory, 'spin')])

  await refused({ ...target, start: target.start + 1 }, 'it has ended, and another process has its pid')
  await refused({ ...target, pid: 2 ** 22 + 1 }, 'it has ended')
  await refused(targetOf(process.pid), /^the kernel refuses to trace it/)
  t.equal(status(process.pid, 'State')[0], 'R')

  {
    await using reading = await openFullCore(target, 'whole', limits, system, never)
    await refused(target, `it is already traced, by process ${process.pid}`)
    t.equal(reading.outcome().truncated, undefined)
  }

  const parent = 'import os, time\nif os.fork() == 0: os._exit(0)\nprint("ready", flush=True)\ntime.sleep(600)'
  if (without('python3') === false) {
    const { target: idle } = await start(t, directory, ['python3', '-c', parent])
    const children = () => readFileSync(`/proc/${idle.pid}/task/${idle.pid}/children`, 'utf8').trim()
    await until('it has a zombie', () => children() !== '' && status(Number(children()), 'State').startsWith('Z'))
    await refused(targetOf(Number(children())), 'it has ended: a zombie has no memory')
  }
  if (existsSync('/proc/2/stat') && readFileSync('/proc/2/comm', 'utf8') === 'kthreadd\n') {
    await refused(targetOf(2), 'it has no memory of its own: a kernel thread, or about to end')
  }
})

/** Whether the kernel runs no such program: this one never ends by itself, and a shell that is given it instead does. */
function isRefused(program: string): boolean {
  return spawnSync(program, { timeout: 200, killSignal: 'SIGKILL', stdio: 'ignore' }).signal === null
}

t.test('a 32-bit process', possible, async (t) => {
  const directory = scratch(t)
  const program = join(directory, 'narrow')
  const args = ['-m32', '-nostdlib', '-static', '-ffreestanding', '-o', program, join(PROGRAMS, 'narrow.c')]
  try {
    execFileSync('gcc', args, { stdio: 'pipe' })
  } catch {
    t.pass('a 32-bit process', { skip: 'this compiler makes none' })
    return
  }
  if (isRefused(program)) return void t.pass('a 32-bit process', { skip: 'this kernel runs none' })
  const { target } = await start(t, directory, ['sh', '-c', `echo ready; exec ${program}`])
  await until('it runs', () => readFileSync(`/proc/${target.pid}/comm`, 'utf8') === 'narrow\n')
  await t.rejects(
    takeStackCore(target, limits, system, never),
    new Unsupported('it is a 32-bit program, of which we write no core'),
  )
  t.equal(traces(target.pid), 0)
})

t.test('a signal that was just being delivered is handed on', possible, async (t) => {
  if (system.kind === 'missing') throw new Error(system.reason)
  const directory = scratch(t)
  const counts = join(directory, 'counts')
  writeFileSync(counts, Buffer.alloc(4096))
  const { target } = await start(t, directory, [compile(directory, 'alive'), counts])
  for (const [round, how] of ['stopped', 'let go before it is known to have stopped'].entries()) {
    const standstill = new Standstill(system, 60_000, never)
    const seized = tids(target.pid).map(Number)
    // One that ends meanwhile is none of ours.
    for (const tid of seized) standstill.seize(tid)
    process.kill(target.pid, SIGRTMIN)
    await until('a thread stops for it', () => seized.some((tid) => stateOf(target, tid) === 't'))
    if (round === 0) {
      standstill.interrupt(seized)
      await until('all have stopped', () => standstill.look().size === 0)
      t.ok([...standstill.stopped.values()].includes(SIGRTMIN))
    }
    standstill.letGo()
    await until(`it arrives: ${how}`, () => readFileSync(counts).readUInt32LE(SIGNALS * 4) === round + 1)
  }
  t.pass('both have arrived')
})

t.test('a thread that is let go before it stops is detached once it has', possible, async (t) => {
  if (system.kind === 'missing') throw new Error(system.reason)
  const directory = scratch(t)
  const { target } = await start(t, directory, [compile(directory, 'threads')])
  const standstill = new Standstill(system, 60_000, never)
  for (const tid of tids(target.pid)) t.equal(standstill.seize(Number(tid)), 0)
  standstill.letGo()
  t.equal(standstill.stopped.size, 0)
  const all = () => tids(target.pid).map((tid) => readFileSync(`/proc/${target.pid}/task/${tid}/status`, 'utf8'))
  await until('nobody is traced', () => all().every((text) => text.includes('TracerPid:\t0\n')))
  await until('all of it sleeps again', () => all().every((text) => text.includes('State:\tS')))
})

t.test('more threads than are stopped: the core says of how many it has how many', possible, async (t) => {
  const directory = scratch(t)
  const { target } = await start(t, directory, [compile(directory, 'threads')])
  const all = tids(target.pid).length
  await using reading = await openFullCore(target, 'registers', { ...limits, threads: 2 }, system, never)
  for await (const _ of allTaken(reading.chunks));
  t.equal(reading.outcome().truncated, `2 of ${all} threads are in it: no more are stopped of one process`)
  const stack = await takeStackCore(target, { ...limits, threads: 2 }, system, never)
  t.match(stack, { threads: 2, beyond: all - 2 })
})

t.test('one that is killed while it stands still ends', possible, async (t) => {
  const directory = scratch(t)
  const { target } = await start(t, directory, [compile(directory, 'threads')])
  {
    await using _ = await openFullCore(target, 'whole', limits, system, never)
    process.kill(target.pid, 'SIGKILL')
  }
  const path = `/proc/${target.pid}/status`
  // Whoever adopted it may be slow to take note of its end; we must not be.
  const ended = () => !existsSync(path) || /State:\tZ.*TracerPid:\t0\n/s.test(readFileSync(path, 'utf8'))
  await until('it has ended', () => ended() && tids(target.pid).length <= 1)
})
