import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { generateIdentity, recipientOf } from '../../agent/seal/keys.ts'
import { cannot, sentence } from '../../agent/words/cannot.ts'
import { type S3Server, startS3Server } from '../../test/s3-server.ts'
import { writeCore } from './core-file.ts'
import { ofBoth, privateBytes, Watch } from './process-figures.ts'
import { both, Residents } from './residents.ts'
import { type Shape, shapedNetwork } from './shaped-network.ts'
import { shutdowns } from './shutdown.ts'

/** Where the core is sent. */
interface Network {
  readonly name: string
  /** How the server is reached. */
  readonly endpoint: string
}

/** One capture of one core: how long it took, and what memory both processes had to themselves. */
interface Run {
  readonly what: string
  readonly ms: number
  readonly idleMiB?: number
  readonly peakMiB?: number
}

const MIB = 2 ** 20
/** A connection to a large store, seen from a server in its region: some tens of MB a second, some tens of ms. */
const SHAPE: Shape = { rate: 20_000_000, delay: 10 }
/** Everything here is bounded; this is for a machine that hangs. */
const LIMIT_MS = 60 * 60_000
/** What the processes get to come to rest before they are called idle. */
const REST_MS = 4_000
const { values } = parseArgs({
  allowNegative: true,
  options: {
    mib: { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '3' },
    loopback: { type: 'boolean', default: true },
    shaped: { type: 'boolean', default: true },
    memory: { type: 'boolean', default: true },
    large: { type: 'boolean', default: false },
    shutdowns: { type: 'boolean', default: process.getuid?.() === 0 },
    out: { type: 'string' },
  },
})
/** In MiB: a small core, and a large one that costs no more memory. */
const MEMORY_CORES = values.memory ? [256, values.large ? 8192 : 2048] : []
/** What it is compared with. */
const PEER = 'zstd -1 -T0 | aws s3 cp -'
const signal = AbortSignal.timeout(LIMIT_MS)

try {
  const runs = await bench()
  for (const { what, ms, idleMiB, peakMiB } of runs)
    console.log(
      `${what.padEnd(34)} ${(ms / 1000).toFixed(2).padStart(8)} s` +
        (peakMiB === undefined
          ? ''
          : `   private MiB of both: idle ${idleMiB?.toFixed(0)}, peak ${peakMiB.toFixed(0)}`),
    )
  for (const line of ratios(runs)) console.log(line)
  const ends = values.shutdowns ? await shutdowns(Number(values.rounds), signal) : []
  for (const { lastgasp, down, held } of ends)
    console.log(
      `shutdown ${lastgasp ? 'with' : 'without'} lastgasp`.padEnd(34) +
        ` ${(down / 1000).toFixed(2).padStart(8)} s   the application is told after ${(held / 1000).toFixed(2)} s`,
    )
  if (values.out !== undefined) await writeFile(values.out, `${JSON.stringify({ runs, ends }, null, 2)}\n`)
} catch (error) {
  console.error(sentence(error))
  process.exitCode = 1
}

/** A core from disk to a real S3 server, against `zstd -1 -T0 | aws s3 cp -` on the same file, in turns. */
async function bench(): Promise<Run[]> {
  // Three objects a round and the memory cores, none of which shrinks by less than half.
  const networks = Number(values.loopback) + Number(values.shaped)
  const mib =
    networks * Number(values.rounds) * 3 * Number(values.mib) + MEMORY_CORES.reduce((sum, mib) => sum + mib, 0)
  const server = await startS3Server(Math.max(1024, mib / 2) * MIB)
  if (typeof server === 'string') throw cannot('start an S3 server', server)
  await using s3 = server
  const scratch = await mkdtemp(join(tmpdir(), 'lastgasp-bench-'))
  try {
    const speed = await coreOf(scratch, 'speed', Number(values.mib))
    await using shaped = await shapedNetwork(s3.endpoint, SHAPE)
    const runs: Run[] = []
    for (const network of [
      ...(values.loopback ? [{ name: 'loopback', endpoint: s3.endpoint }] : []),
      ...(values.shaped ? [{ name: 'shaped', endpoint: shaped.endpoint }] : []),
    ])
      for (let round = 1; round <= Number(values.rounds); round++) {
        runs.push(await peer(s3, network, round, speed.file))
        runs.push(await capture(s3, network, `${round}`, speed.directory, false))
        runs.push(await capture(s3, network, `${round}`, speed.directory, true))
      }
    for (const mib of MEMORY_CORES) {
      const { directory } = await coreOf(scratch, `memory${mib}`, mib)
      runs.push(await capture(s3, { name: 'loopback', endpoint: s3.endpoint }, `${mib}mib`, directory, true, true))
      // There, as many parts are under way as there ever are.
      runs.push(await capture(s3, { name: 'shaped', endpoint: shaped.endpoint }, `${mib}mib`, directory, true, true))
      await rm(directory, { recursive: true })
    }
    return runs
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function coreOf(scratch: string, name: string, mib: number) {
  const directory = join(scratch, name)
  await mkdir(directory)
  const file = join(directory, 'core.app.0.0123456789abcdef0123456789abcdef.4711.1700000000000000')
  await writeCore(file, mib * MIB, signal)
  return { directory, file }
}

async function peer(s3: S3Server, { name, endpoint }: Network, round: number, file: string): Promise<Run> {
  const bucket = `${name}-peer-${round}`
  await s3.makeBucket(bucket)
  const upload = `zstd -q -1 -T0 -c "$0" | aws --region us-east-1 --endpoint-url "$1" s3 cp --only-show-errors - "s3://$2/core"`
  const started = performance.now()
  // Debian's awscli: python with its own path, whatever else is first on ours.
  const env = { ...process.env, PATH: `/usr/bin:/bin:${process.env.PATH}` }
  const peer = spawn('bash', ['-o', 'pipefail', '-c', upload, file, endpoint, bucket], {
    env,
    stdio: 'inherit',
    signal,
  })
  const [status] = await once(peer, 'close')
  if (status !== 0) throw cannot('run zstd | aws s3 cp -', `it ended with ${status}`)
  return { what: `${name}: ${PEER}`, ms: performance.now() - started }
}

/** Medians of each, against the peer's on the same network. */
function ratios(runs: readonly Run[]): string[] {
  const medians = new Map<string, number>()
  for (const [what, group] of Map.groupBy(runs, ({ what }) => what)) {
    const sorted = group.map(({ ms }) => ms).sort((a, b) => a - b)
    medians.set(what, sorted[Math.floor(sorted.length / 2)] ?? Number.NaN)
  }
  return [...medians].flatMap(([what, ms]) => {
    const peer = medians.get(`${what.split(':')[0]}: ${PEER}`)
    return peer === undefined || what.endsWith(PEER)
      ? []
      : [`${what}: in the median ${(ms / peer).toFixed(2)} of the peer's time`]
  })
}

/** Looking at memory slows down what is looked at: speed and memory are measured apart. */
async function capture(
  s3: S3Server,
  { name, endpoint }: Network,
  nth: string,
  directory: string,
  sealed: boolean,
  memory = false,
): Promise<Run> {
  const bucket = `${name}-${sealed ? 'sealed' : 'plain'}-${nth}`
  await s3.makeBucket(bucket)
  const { text } = recipientOf(generateIdentity())
  const settings = [
    `store="s3://${bucket}"`,
    `s3.endpoint="${endpoint}"`,
    's3.addressing="path"',
    's3.region="us-east-1"',
    'identity="bench"',
    'deadline="30min"',
    'journal.limit="0B"',
    `cores.directories=["${directory}"]`,
    'cores.age="3650d"',
    'stacks.processes=[]',
    'live.cores=[]',
    'memory.scope="off"',
    sealed ? `seal.recipients=["${text}"]` : 'seal.unsealed="allow"',
  ]
  await using residents = await Residents.start(settings, signal)
  await sleep(REST_MS)
  const idle = both(ofBoth(residents.pids, privateBytes))
  using watch = new Watch(residents.pids, memory)
  const started = performance.now()
  await residents.goDown(signal)
  const ms = performance.now() - started
  const what = `${name}: lastgasp${sealed ? ', sealed' : ''}${memory ? `, ${nth}` : ''}`
  return { what, ms, ...(memory && { idleMiB: idle / MIB, peakMiB: both(watch.peak) / MIB }) }
}
