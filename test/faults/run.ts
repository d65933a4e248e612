import { parseArgs } from 'node:util'
import { inParallel } from '../../agent/words/in-parallel.ts'

/** `npm run test:faults -- --seeds N --from S`, or with `--s3`: plays so many seeds from one on. README.md says what. */
const { values } = parseArgs({
  options: {
    s3: { type: 'boolean', default: false },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    jobs: { type: 'string', default: '6' },
  },
})
const from = Number(values.from)
const seeds = Number(values.seeds ?? (values.s3 ? 300 : 10_000))
/** With a real store it is mostly waited; in memory nobody else may let time pass. */
const jobs = values.s3 ? Number(values.jobs) : 1
const tellEvery = values.s3 ? 20 : 500
const ends: (() => void | Promise<void>)[] = []
let [played, failed] = [0, 0]

async function tried(seed: number, tryOut: (seed: number) => Promise<readonly string[]>): Promise<void> {
  const wrong = await tryOut(seed)
  played += 1
  if (wrong.length > 0) {
    failed += 1
    process.stdout.write(`NOT OK ${seed}\n${wrong.map((line) => `  ${line}\n`).join('')}`)
  }
  if (played % tellEvery === 0) process.stdout.write(`${played} seeds, ${failed} failed\n`)
}

try {
  const all = Array.from({ length: seeds }, (_, n) => from + n)
  const tryOut = values.s3
    ? await (await import('./with-s3.ts')).withS3({ teardown: (end) => void ends.push(end) })
    : (await import('./seeds.ts')).tryOut
  if (typeof tryOut === 'string') throw new Error(tryOut)
  await inParallel(all, jobs, (seed) => tried(seed, tryOut))
} finally {
  for (const end of ends.reverse()) await end()
}
process.stdout.write(`seeds ${from} to ${from + seeds - 1}: ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1
