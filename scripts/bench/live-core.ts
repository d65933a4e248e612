import { execFileSync, spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Manifest } from '../../agent/bundle/schema.ts'
import { openSystem } from '../../agent/collector/host/ffi.ts'
import { statFields } from '../../agent/collector/host/process-files.ts'
import { takeStackCore } from '../../agent/collector/live-core/stack-core.ts'
import { generateIdentity, recipientOf } from '../../agent/seal/keys.ts'
import { cannot, sentence } from '../../agent/words/cannot.ts'
import { writeCore } from './core-file.ts'
import { ofBoth, privateBytes, Watch } from './process-figures.ts'
import { both, Residents } from './residents.ts'

const MIB = 2 ** 20
const LIMIT_MS = 30 * 60_000
const REST_MS = 4_000
/** Nothing but a store and a peer's cores is kept there: what is measured is not the disk. */
const MEMORY = '/dev/shm'
const THREADS = 64
const ROUNDS_OF_STACKS = 50

const { values } = parseArgs({
  options: { mib: { type: 'string', default: '2048' }, out: { type: 'string' } },
})
const signal = AbortSignal.timeout(LIMIT_MS)
const scratch = await mkdtemp(join(tmpdir(), 'lastgasp-bench-'))
const shared = await mkdtemp(join(MEMORY, 'lastgasp-bench-'))

/** What one way to take a core came to; bytes and ms. */
interface Run {
  readonly what: string
  readonly ms: number
  readonly standstill?: number
  readonly read?: number
  readonly stored?: number
  readonly torn?: number
  readonly peak?: number
  readonly grown?: number
  readonly status?: string
}

try {
  const runs: Run[] = []
  for await (const run of bench()) {
    console.log(line(run))
    runs.push(run)
  }
  if (values.out !== undefined) await writeFile(values.out, `${JSON.stringify(runs, null, 2)}\n`)
} catch (error) {
  console.error(sentence(error))
  process.exitCode = 1
} finally {
  await rm(scratch, { recursive: true, force: true })
  await rm(shared, { recursive: true, force: true })
}

async function* bench(): AsyncGenerator<Run> {
  const program = join(scratch, 'patient')
  execFileSync('gcc', ['-O1', '-g', '-pthread', '-o', program, join(import.meta.dirname, 'patient.c')])
  const content = join(shared, 'content')
  await writeCore(content, Number(values.mib) * MIB, signal)
  const began = performance.now()
  const populated = execFileSync('sh', ['-c', 'zstd -q -1 -T0 -c "$0" | wc -c', content], { encoding: 'utf8' })
  yield { what: 'what is populated, by zstd -1', ms: performance.now() - began, stored: Number(populated) }
  {
    using patient = start(program, content, 1, 0)
    await rm(content)
    yield await byGcore(patient)
    for (const freeze of ['registers', 'whole'] as const) yield await byLastgasp(patient, freeze, false)
    yield await byLastgasp(patient, 'whole', true)
  }
  const small = join(scratch, 'small')
  await writeCore(small, 64 * MIB, signal)
  for (const untouched of [0, 64]) {
    using patient = start(program, small, 1, untouched)
    const run = await byLastgasp(patient, 'whole', false)
    yield { ...run, what: `64 MiB and ${untouched} GiB untouched: ${run.what}` }
  }
  using many = start(program, small, THREADS, 0)
  yield* await stacks(many)
}

interface Patient extends Disposable {
  readonly pid: number
}

/** Not as a child of ours: who traces a child of its own, as the stacks are, has it reported to Node as ended. */
function start(program: string, content: string, threads: number, untouched: number): Patient {
  const script =
    '"$@" <&- >"$0" 2>&1 & echo $!; until grep -q ready "$0" 2>/dev/null; do kill -0 $! || exit 1; sleep 0.1; done'
  const said = join(scratch, `said-${Math.random().toString(36).slice(2)}`)
  const args = ['-c', script, said, program, content, String(threads), String(untouched)]
  const pid = Number(execFileSync('sh', args, { encoding: 'utf8' }))
  return { pid, [Symbol.dispose]: () => process.kill(pid, 'SIGKILL') }
}

async function byGcore({ pid }: Patient): Promise<Run> {
  const core = join(shared, 'gcore')
  const began = performance.now()
  const { status, stderr } = spawnSync('gcore', ['-o', core, String(pid)], { encoding: 'utf8' })
  const ms = performance.now() - began
  if (status !== 0) throw cannot('run gcore', stderr)
  const { size } = await stat(`${core}.${pid}`)
  await rm(`${core}.${pid}`)
  return { what: 'gcore into memory', ms, standstill: ms, read: size, stored: size }
}

/** From SIGTERM to the end, into a directory in memory, sealed. */
async function byLastgasp({ pid }: Patient, freeze: string, memory: boolean): Promise<Run> {
  const store = join(shared, 'store')
  await mkdir(store)
  const settings = [
    `store="file://${store}"`,
    ...[
      'identity="bench"',
      'deadline="30min"',
      'journal.limit="0B"',
      'cores.directories=[]',
      'stacks.processes=[]',
      'memory.scope="off"',
    ],
    ...[
      'live.when="always"',
      `live.cores=["pid:${pid}"]`,
      `live.freeze="${freeze}"`,
      'live.standstill="10s"',
      'hold.wait="2min"',
    ],
    `seal.recipients=["${recipientOf(generateIdentity()).text}"]`,
  ]
  const resident = residentBytes(pid)
  await using residents = await Residents.start(settings, signal)
  await sleep(REST_MS)
  using watch = new Watch(residents.pids, memory)
  const idle = both(ofBoth(residents.pids, privateBytes))
  await residents.goDown(signal)
  const { receipts } = await manifestBelow(store)
  await rm(store, { recursive: true })
  const core = receipts.find(({ source }) => source === 'live')
  if (core === undefined) throw cannot('take a live core', 'there is no receipt of one')
  const { status, reason, ms, freezeMs = 0, bytesIn, bytesStored, item } = core
  return {
    what: `lastgasp, ${freeze}${memory ? ', its memory watched' : ''}`,
    ...{ ms, standstill: freezeMs, read: bytesIn, stored: bytesStored, torn: item.torn ?? 0 },
    ...(memory && { peak: both(watch.peak), idle }),
    grown: residentBytes(pid) - resident,
    ...(status !== 'complete' && { status: `${status}: ${reason}` }),
  }
}

async function manifestBelow(store: string): Promise<Manifest> {
  const names = await readdir(store, { recursive: true })
  const name = names.find((one) => one.endsWith('/manifest.json'))
  if (name === undefined) throw cannot('take a live core', 'the bundle was not closed')
  return JSON.parse(await readFile(join(store, name), 'utf8'))
}

/** How long a process of many threads stands still for its stacks: the median and the longest. */
async function stacks({ pid }: Patient): Promise<Run[]> {
  const start = statFields(await readFile(`/proc/${pid}/stat`, 'utf8'))?.field(22) ?? 0
  const times: number[] = []
  let bytes = 0
  for (let round = 0; round < ROUNDS_OF_STACKS; round++) {
    const limits = { freezeMs: 5_000, threads: 2_048 }
    const { core, freezeMs, threads } = await takeStackCore({ pid, start, root: '/' }, limits, openSystem(), signal)
    if (threads !== THREADS) throw cannot('take stacks', `${threads} of ${THREADS} threads were there`)
    times.push(freezeMs)
    bytes = core.length
  }
  times.sort((a, b) => a - b)
  const [median = 0, longest = 0] = [times[ROUNDS_OF_STACKS >> 1], times.at(-1)]
  return Object.entries({ median, longest }).map(([which, standstill]) => {
    return {
      what: `stacks of ${THREADS} threads, ${which} of ${ROUNDS_OF_STACKS}`,
      ms: standstill,
      standstill,
      read: bytes,
    }
  })
}

function residentBytes(pid: number): number {
  const status = execFileSync('cat', [`/proc/${pid}/status`], { encoding: 'utf8' })
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024
}

function line({ what, ms, standstill, read, stored, torn, peak, grown, status }: Run): string {
  const mib = (bytes: number) => `${(bytes / MIB).toFixed(1)} MiB`
  const figures = [
    `${ms.toFixed(1)} ms`,
    standstill !== undefined && `at a standstill ${standstill.toFixed(1)} ms`,
    read !== undefined && `read ${mib(read)}`,
    stored !== undefined && `stored ${mib(stored)}`,
    torn !== undefined && torn > 0 && `${torn} pages torn`,
    peak !== undefined && `our private memory at most ${mib(peak)}`,
    grown !== undefined && `its RSS grew by ${mib(grown)}`,
    status,
  ]
  return `${what.padEnd(44)} ${figures.filter((figure) => figure !== false && figure !== undefined).join(', ')}`
}
