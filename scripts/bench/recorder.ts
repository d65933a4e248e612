import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { privateBytes } from './process-figures.ts'

/**
 * What the flight recorder costs beside so many processes: processor time and private memory of a collector that records, against one that
 * does not, in the same time.
 */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    processes: { type: 'string', default: '200' },
    interval: { type: 'string', default: '5s' },
  },
})
/** Until a Node has started and come to rest. */
const REST_MS = 15_000
const MAIN = join(import.meta.dirname, '../../agent/main.ts')
const FLAGS = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=1']

const directory = await mkdtemp(join(tmpdir(), 'lastgasp-bench-'))
const children: ChildProcess[] = []
try {
  for (let n = 0; n < Number(values.processes); n++) children.push(spawn('sleep', ['1d'], { stdio: 'ignore' }))
  const [on, off] = [collector('on', '1h'), collector('off', '0s')]
  await sleep(REST_MS)
  const before = [on, off].map(figures)
  await sleep(Number(values.seconds) * 1000)
  const after = [on, off].map(figures)
  for (const [i, name] of ['recording', 'not recording'].entries()) {
    const ns = (after[i]?.ns ?? 0) - (before[i]?.ns ?? 0)
    const mib = (after[i]?.bytes ?? 0) / 2 ** 20
    console.log(
      `${name.padEnd(14)} ${(ns / 1e7 / Number(values.seconds)).toFixed(3)} % of a processor, ${mib.toFixed(1)} MiB`,
    )
  }
} finally {
  for (const child of children) child.kill('SIGKILL')
  await rm(directory, { recursive: true, force: true })
}

function collector(name: string, span: string): number {
  const places = [
    '--socket',
    join(directory, `${name}.sock`),
    '--hold',
    join(directory, name),
    '--crashes',
    join(directory, 'none'),
  ]
  const set = ['--set', `recorder.span="${span}"`, '--set', `recorder.interval="${values.interval}"`]
  const child = spawn(process.execPath, [...FLAGS, MAIN, 'collector', ...places, ...set], { stdio: 'ignore' })
  children.push(child)
  return child.pid ?? 0
}

/** Processor time of all threads in ns (Documentation/scheduler/sched-stats.rst), and bytes that are shared with nobody. */
function figures(pid: number): { readonly ns: number; readonly bytes: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number)
  return { ns: (user + system) * 1e7, bytes: privateBytes(pid) }
}
