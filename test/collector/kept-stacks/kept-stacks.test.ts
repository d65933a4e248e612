import { execFileSync } from 'node:child_process'
import { copyFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { KeptStacks } from '../../../agent/collector/kept-stacks/kept-stacks.ts'
import type { ProcessTrace } from '../../../agent/collector/kept-stacks/process-trace.ts'
import { type StacksMoment, takeStackCore } from '../../../agent/collector/live-core/stack-core.ts'
import type { HostProcess } from '../../../agent/collector/processes/host-process.ts'
import { compile, limits, never, PROGRAMS, start, system, traced, without } from '../live-core/patients.ts'
import { scratch } from '../live-core/scratch.ts'
import { compiled, started } from '../sources/stacks/program.ts'

const skip = traced.skip || without('gcc')

/** Keeps what one process is at. */
async function keep(kept: KeptStacks, pid: number, start: number): Promise<StacksMoment> {
  const core = await takeStackCore({ pid, start, root: '/' }, limits, system, never)
  const process = { pid, comm: `p${pid}`, state: 'S', threads: 1, start, memory: 0, own: 0, cgroup: '/' } as HostProcess
  await kept.add(process, core, never)
  return core.moment
}

const functions = ({ stacks }: ProcessTrace) =>
  stacks.flatMap(({ frames }) => frames.flatMap(({ name }) => name?.function ?? []))
const all = (kept: KeptStacks) => Array.fromAsync(kept.traces(true, never))
const opened = (path: string) =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(path)
    } catch {
      return false
    }
  })

t.test('what is beyond the bytes that are kept is unwound at once, and told the same', { skip }, async (t) => {
  const directory = scratch(t)
  const { target } = await start(t, directory, [compile(directory, 'deadlock')])
  await sleep(300)
  using whole = new KeptStacks('/')
  using none = new KeptStacks('/', 0)
  const { pieces, threads } = await keep(whole, target.pid, target.start)
  await keep(none, target.pid, target.start)
  const needed = [...pieces.map(({ bytes }) => bytes), ...threads.map(({ registers }) => registers)]
  t.ok(whole.bytes >= needed.reduce((sum, { length }) => sum + length, 0), 'registers count, too')
  t.equal(none.bytes, 0)
  const [[one], [other]] = [await all(whole), await all(none)]
  t.ok(one?.stacks.length)
  t.strictSame(
    other?.stacks.map(({ tids, frames }) => [tids, frames.map(({ pc, name }) => [pc, name])]),
    one?.stacks.map(({ tids, frames }) => [tids, frames.map(({ pc, name }) => [pc, name])]),
  )
})

t.test('a file that is deleted, and a process that is gone', { skip }, async (t) => {
  const program = compiled(t)
  const copy = join(scratch(t), 'gone')
  copyFileSync(program, copy)
  const running = await started(t, copy, 'sleep')
  rmSync(copy)
  using kept = new KeptStacks('/')
  const stat = execFileSync('cat', [`/proc/${running.pid}/stat`], { encoding: 'utf8' })
  await keep(kept, running.pid, Number(stat.slice(stat.lastIndexOf(')')).split(' ')[20]))
  await running.end()
  t.equal(opened(copy).length, 1)
  const [trace] = await all(kept)
  t.ok(trace && functions(trace).includes('main'))
  t.strictSame(trace?.missed, [])
  kept[Symbol.dispose]()
  await sleep(50)
  t.equal(opened(copy).length, 0, 'nothing stays open')
  t.equal(kept.processes, 0)
})

t.test('code of a just-in-time compiler, by the map that it writes', { skip: traced.skip }, async (t) => {
  const directory = scratch(t)
  const log = ['--no-logfile-per-isolate', `--logfile=${join(directory, 'v8.log')}`]
  const options = ['--perf-basic-prof', '--interpreted-frames-native-stack', ...log]
  const { target } = await start(t, directory, [process.execPath, ...options, join(PROGRAMS, 'hang.mjs')])
  await sleep(500)
  using kept = new KeptStacks('/')
  await keep(kept, target.pid, target.start)
  const [trace] = await all(kept)
  const named = trace?.stacks.flatMap(({ frames }) => frames.filter(({ name }) => name?.source === 'perf-map')) ?? []
  t.ok(named.length > 0, 'frames of JavaScript have names')
  t.ok(
    named.every(({ module, name }) => module === undefined && (name?.offset ?? -1) >= 0),
    'and lie in no file',
  )
})

t.test('of those that are kept, who hangs is first', { skip }, async (t) => {
  const directory = scratch(t)
  const program = compile(directory, 'deadlock')
  const { target: idle } = await start(t, directory, [program])
  const { target: stuck } = await start(t, directory, [program])
  using kept = new KeptStacks('/')
  const thread = { comm: 'a', state: 'S', frames: [] }
  for (const { pid, start } of [idle, stuck]) await keep(kept, pid, start)
  for (const { pid } of [idle, stuck]) kept.see(pid, [{ ...thread, tid: pid }], new Map())
  kept.see(idle.pid, [{ ...thread, tid: idle.pid }], new Map([[idle.pid, 'still']]))
  kept.see(stuck.pid, [{ ...thread, tid: stuck.pid, comm: 'later' }], new Map([[stuck.pid, 'deadlock?']]))
  const traces = await all(kept)
  t.strictSame(
    traces.map(({ process }) => process.pid),
    [stuck.pid, idle.pid],
  )
  t.match(traces[0]?.seen.get(stuck.pid), { comm: 'a' }, 'as they were seen first')
})
