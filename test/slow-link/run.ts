import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { faultyProxy } from '../faulty-proxy.ts'
import { startS3Server } from '../s3-server.ts'
import { coreOf } from './core.ts'

/**
 * `npm run test:slow-link`: `lastgasp capture` of a host with a core of 25 MB over a link of 1 MB/s, into a real S3 server. With
 * 120 s the core arrives whole; with 20 s, what has landed by then is in the bundle, and can be fetched. Sealed and not.
 */
const RATE = 1_000_000
const CORE_BYTES = 25_000_000
const BUCKET = 'slow-link'
/** What fits into 20 s at the very least: the reserve, the begin and half of the rest are not for the core. */
const LEAST_CUT = 5_000_000

const scratch = mkdtempSync(join(tmpdir(), 'lastgasp-slow-link-'))
const server = await startS3Server()
if (typeof server === 'string') throw new Error(server)
const s3 = server
await s3.makeBucket(BUCKET)
const proxy = await faultyProxy(s3.endpoint)
proxy.slowLink(RATE)
const core = coreOf(randomBytes(CORE_BYTES))
const root = join(scratch, 'root')
const place = '/var/lib/systemd/coredump'
const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().replaceAll('-', '')
mkdirSync(join(root, place), { recursive: true })
writeFileSync(join(root, place, `core.app.1000.${boot}.4711.${Date.now() - 60_000}000`), core)
let failed = 0

try {
  const key = join(scratch, 'key.txt')
  const recipient = /age1[0-9a-z]{58}/.exec((await lastgasp(['keygen', '--out', key])).said)?.[0] ?? ''
  for (const sealing of [`seal.recipients=["${recipient}"]`, 'seal.unsealed="allow"']) {
    await arrives(sealing, key)
    await isCut(sealing, key)
  }
} finally {
  await proxy[Symbol.asyncDispose]()
  await s3[Symbol.asyncDispose]()
  rmSync(scratch, { recursive: true, force: true })
}
process.exitCode = failed === 0 ? 0 : 1

async function arrives(sealing: string, key: string): Promise<void> {
  const { receipt, seconds, fetched } = await captured('120s', sealing, key)
  check('the core is whole', receipt.status === 'complete', receipt.reason)
  check('within 120 s', seconds < 120, `${seconds.toFixed(1)} s`)
  check('and fetched', fetched.equals(core), `${fetched.length} bytes`)
}

async function isCut(sealing: string, key: string): Promise<void> {
  const { receipt, seconds, fetched } = await captured('20s', sealing, key)
  check('the core is truncated, by the deadline', receipt.status === 'truncated' && receipt.because === 'deadline')
  check('within 20 s', seconds < 20, `${seconds.toFixed(1)} s`)
  check('with what has landed', receipt.bytesStored >= LEAST_CUT, `${receipt.bytesStored} bytes, ${receipt.reason}`)
  const begins = fetched.length > LEAST_CUT / 2 && fetched.equals(core.subarray(0, fetched.length))
  check('which can be fetched', begins, `${fetched.length} bytes`)
}

interface Outcome {
  readonly receipt: {
    readonly status: string
    readonly because?: string
    readonly reason?: string
    readonly bytesStored: number
  }
  readonly seconds: number
  readonly fetched: Buffer
}

/** One capture over the slow link, and what `fetch` and `verify` make of it without one. */
async function captured(deadline: string, sealing: string, key: string): Promise<Outcome> {
  process.stdout.write(`${deadline}, ${sealing.replace(/age1\S+/, '…"]')}\n`)
  const identity = `slow-${deadline}-${sealing.startsWith('seal.r') ? 'sealed' : 'plain'}`
  const set = [`deadline=${deadline}`, sealing, `identity="${identity}"`, `cores.directories=["${place}"]`]
  // Nobody else's process stands still for this, and nobody's memory is read.
  set.push('stacks.processes=[]', 'live.cores=[]', 'memory.scope="off"', 'executables="none"')
  await lastgasp([
    'capture',
    '--root',
    root,
    ...reach(proxy.endpoint, identity),
    ...set.flatMap((one) => ['--set', one]),
  ])
  const to = join(scratch, identity)
  const near = reach(s3.endpoint, identity)
  const opened = ['--identity', key]
  const { said } = await lastgasp(['fetch', 'latest', ...near, ...opened, '--to', to])
  const verified = await lastgasp(['verify', 'latest', ...near, ...opened])
  const agrees = [0, 4].includes(verified.code)
  check('verify finds what the receipts say', agrees, agrees ? '' : verified.said + said)
  const { receipts, started, ended } = JSON.parse(readFileSync(join(to, 'manifest.json'), 'utf8'))
  // Not of the process: how long a loaded machine takes to start one is no matter of the link.
  const seconds = (Date.parse(ended) - Date.parse(started)) / 1000
  const receipt = receipts.find(
    ({ source, item }: { source: string; item: object }) => source === 'cores' && 'path' in item,
  )
  return { receipt, seconds, fetched: largestBelow(join(to, 'root')) }
}

function reach(endpoint: string, prefix: string): string[] {
  const settings = [`s3.endpoint="${endpoint}"`, 's3.region="us-east-1"', 's3.addressing="path"']
  return ['--store', `s3://${BUCKET}/${prefix}`, ...settings.flatMap((one) => ['--set', one])]
}

async function lastgasp(args: readonly string[]): Promise<{ code: number; said: string }> {
  const main = join(import.meta.dirname, '../../agent/main.ts')
  const child = spawn(process.execPath, [...process.execArgv, main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (said += bytes))
  const [code] = await once(child, 'close')
  return { code, said }
}

function largestBelow(directory: string): Buffer {
  if (!existsSync(directory)) return Buffer.alloc(0)
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = files.map(({ parentPath, name }) => join(parentPath, name))
  const [largest] = paths.sort((a, b) => statSync(b).size - statSync(a).size)
  return largest === undefined ? Buffer.alloc(0) : readFileSync(largest)
}

function check(what: string, holds: boolean, figures = ''): void {
  if (!holds) failed += 1
  process.stdout.write(`  ${holds ? 'ok' : 'NOT OK'} ${what}${figures && `: ${figures}`}\n`)
}
