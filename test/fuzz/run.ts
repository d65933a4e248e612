import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { type Found, heapBytes, tried } from './fuzz.ts'
import { READERS } from './readers.ts'

/** Bytes by which the heap may be larger at the end than it was when the reader had warmed up. */
const GROWTH_BYTES = 32 * 1024 * 1024
const WARM_CASES = 2_000
/** ms without a case that ends: the one under way never does. */
const STUCK_MS = 60_000

const { values } = parseArgs({
  options: {
    reader: { type: 'string', multiple: true },
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    cases: { type: 'string' },
  },
})
const most = values.cases === undefined ? Number.POSITIVE_INFINITY : Number(values.cases)
const shared = new Int32Array(new SharedArrayBuffer(8))
// What hangs in a loop cannot tell of itself.
const watch = `
  const { workerData } = require('node:worker_threads')
  let last = -1
  setInterval(() => {
    const now = Atomics.load(workerData, 0)
    if (now === last) {
      require('node:fs').writeSync(1, 'NOT OK: case ' + now + ' does not end\\n')
      process.kill(process.pid, 'SIGKILL')
    }
    last = now
  }, ${STUCK_MS})`
new Worker(watch, { eval: true, workerData: shared }).unref()

let failed = 0
for (const reader of values.reader ?? Object.keys(READERS)) {
  const end = performance.now() + Number(values.minutes) * 60_000
  const found = new Map<string, Found>()
  let [cases, warm] = [0, 0]
  for (let seed = Number(values.seed); performance.now() < end && cases < most; seed++) {
    Atomics.store(shared, 0, seed)
    const one = await tried(reader, seed)
    // One line of code fails a thousand times.
    const where = one?.what.split('\n').find((line) => line.includes('/agent/')) ?? one?.what
    if (one !== undefined) found.set(where ?? '', one)
    cases += 1
    if (cases === WARM_CASES) warm = heapBytes()
  }
  const growth = warm === 0 ? 0 : heapBytes() - warm
  console.log(
    `${reader}: ${cases} cases from ${values.seed}, ${found.size} found, ${(growth / 2 ** 20).toFixed(1)} MiB more on the heap`,
  )
  for (const { seed, what } of found.values())
    console.log(`NOT OK ${seed}: ${what}\n  again: npm run test:fuzz -- --reader '${reader}' --seed ${seed} --cases 1`)
  if (found.size > 0 || growth > GROWTH_BYTES) failed += 1
}
process.exitCode = failed === 0 ? 0 : 1
process.exit()
