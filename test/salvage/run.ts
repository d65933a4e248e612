import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { seeded } from '../random.ts'
import { startS3Server } from '../s3-server.ts'
import { type Judged, judgedLine, type Kill, kill } from './kills.ts'
import { makeHost } from './victim.ts'

/**
 * `npm run test:salvage`: captures whose two processes are killed at moments drawn from a seed, each salvaged and judged: README.md. Goes on
 * where it was interrupted; `--only NUMBER` does one of them again.
 */
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
    megabytes: { type: 'string', default: '96' },
    only: { type: 'string' },
  },
})
const [kills, seed, megabytes] = [values.kills, values.seed, values.megabytes].map(Number) as [number, number, number]
/** How the bytes are divided among cores: one of many parts, and others. */
const SHARES = [0.7, 0.2, 0.1]
/** One in so many goes to a directory; one in so many waits as salvage does, the others have their clock set forward. */
const [TO_DIRECTORY, WAITING] = [4, 50]

const results = join(import.meta.dirname, '../../.cache/salvage')
const file = join(results, `seed-${seed}-of-${megabytes}-MB.jsonl`)
mkdirSync(results, { recursive: true })
const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
const done = new Map(lines.map((line) => JSON.parse(line) as Judged).map((judged) => [judged.number, judged]))

// It keeps everything in memory: what a capture sends, what salvage fills, and what the server has to spare.
const server = await startS3Server(Math.max(4, Math.ceil((3 * megabytes) / 1024)) * 2 ** 30)
if (typeof server === 'string') throw new Error(server)
const scratch = mkdtempSync(join(tmpdir(), 'lastgasp-salvage-'))
try {
  const cores = SHARES.map((share) => Math.round(share * megabytes * 1e6))
  const root = makeHost(join(scratch, 'host'), cores)
  const scene = { scratch, root, server, bytes: megabytes * 1e6 }
  const random = seeded(seed)
  process.stdout.write(
    `seed ${seed}, ${kills} kills of captures of ${megabytes} MB; ${done.size} are judged already: ${file}\n`,
  )
  for (let number = 0; number < kills; number += 1) {
    const one: Kill = {
      number,
      store: number % TO_DIRECTORY === TO_DIRECTORY - 1 ? 'directory' : 's3',
      isSealed: number % 2 === 0,
      at: random(),
    }
    if (values.only === undefined ? done.has(number) : number !== Number(values.only)) continue
    const waits = number % WAITING === 0
    const judged = await kill({ ...scene, deadline: waits ? '1min' : '20min' }, one, !waits)
    process.stdout.write(`${judgedLine(judged)}\n`)
    if (values.only === undefined) appendFileSync(file, `${JSON.stringify(judged)}\n`)
    done.set(number, judged)
  }
} finally {
  await server[Symbol.asyncDispose]()
  rmSync(scratch, { recursive: true, force: true })
}

const all = [...done.values()]
const filled = all.filter((judged) => judged.filled > 0).length
const sum = (of: (judged: Judged) => number) => all.reduce((total, judged) => total + of(judged), 0)
const bad = all.filter((judged) => judged.wrong.length > 0 || judged.recovered !== judged.acknowledged)
process.stdout.write(
  `${all.length} kills, ${sum(({ parts }) => parts)} parts: ${sum((one) => one.recovered)} of ${sum((one) => one.acknowledged)} bytes recovered; ${filled} had parts missing in the middle; ${bad.length} are not as they should be\n`,
)
for (const judged of bad) process.stdout.write(`${judgedLine(judged)}\n`)
process.exitCode = bad.length === 0 ? 0 : 1
