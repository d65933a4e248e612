import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openStore } from '../../agent/store/open.ts'
import { writeObject } from '../../agent/store/write-object.ts'
import { cannot } from '../../agent/words/cannot.ts'
import { type S3Server, startS3Server } from '../../test/s3-server.ts'
import { shapedNetwork } from './shaped-network.ts'

// The store alone: a file of random bytes, which nobody compresses, over the shaped network; against `aws s3 cp -`, in turns.

const MIB = 2 ** 20
const CHUNK = MIB
const LIMIT_MS = 30 * 60_000
const { values } = parseArgs({
  options: { mib: { type: 'string', default: '512' }, rounds: { type: 'string', default: '5' } },
})
const signal = AbortSignal.timeout(LIMIT_MS)
const bytes = Number(values.mib) * MIB
const rounds = Number(values.rounds)

const server = await startS3Server(2 * (rounds + 1) * bytes)
if (typeof server === 'string') throw cannot('start an S3 server', server)
await using s3 = server
await using network = await shapedNetwork(s3.endpoint, { rate: 20_000_000, delay: 10 })
const scratch = await mkdtemp(join(tmpdir(), 'lastgasp-bench-'))
try {
  const file = join(scratch, 'random')
  await writeRandom(file)
  await s3.makeBucket('upload')
  const ours: number[] = []
  const peers: number[] = []
  for (let round = 1; round <= rounds; round++) {
    peers.push(await timed('aws s3 cp -', () => peer(file, `peer-${round}`)))
    ours.push(await timed('lastgasp', () => own(s3, file, `own-${round}`)))
  }
  console.log(`in the median ${(median(ours) / median(peers)).toFixed(2)} of the peer's time`)
} finally {
  await rm(scratch, { recursive: true, force: true })
}

async function writeRandom(path: string): Promise<void> {
  await using file = await open(path, 'wx')
  for (let written = 0; written < bytes; written += CHUNK) await file.write(randomBytes(CHUNK))
}

async function timed(what: string, work: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await work()
  const ms = performance.now() - began
  console.log(`${what.padEnd(12)} ${(ms / 1000).toFixed(2).padStart(7)} s`)
  return ms
}

async function peer(file: string, key: string): Promise<void> {
  const upload = 'aws --region us-east-1 --endpoint-url "$1" s3 cp --only-show-errors - "s3://upload/$2" <"$0"'
  // Debian's awscli: python with its own path, whatever else is first on ours.
  const env = { ...process.env, PATH: `/usr/bin:/bin:${process.env.PATH}` }
  const [status] = await once(
    spawn('bash', ['-c', upload, file, network.endpoint, key], { env, stdio: 'inherit', signal }),
    'close',
  )
  if (status !== 0) throw cannot('run aws s3 cp -', `it ended with ${status}`)
}

async function own(s3: S3Server, file: string, key: string): Promise<void> {
  await using store = await openStore('s3://upload', { ...s3.settings, endpoint: network.endpoint }, signal)
  const { cut } = await writeObject(store, key, createReadStream(file, { highWaterMark: CHUNK }), {}, signal)
  if (cut !== undefined) throw cut
}

function median(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? Number.NaN
}
