import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cannot, sentence } from '../../agent/words/cannot.ts'
import { SUITES, type Suite } from '../../scripts/vm/base.ts'
import type { Image } from '../../scripts/vm/image.ts'
import { startS3Server } from '../s3-server.ts'
import { bakedImage, buildAgent, compilePrograms } from './images.ts'
import { Operator } from './operator.ts'
import { Passed } from './passed.ts'
import { FULL, type Scenario } from './scenario.ts'
import { FAILED, KEPT, passes, seconds, type Trial } from './trial.ts'

/** Base system, build, bake and disk: a download of 100 MB is the slowest of it. */
const IMAGE_LIMIT = 15 * 60_000

/** Processors that a machine keeps busy while it boots and goes down: as many as it has. With fewer its evidence has no time. */
const MACHINE_CORES = 2

/** Suites take turns by the day. */
const DAY_MS = 24 * 60 * 60_000

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    suite: { type: 'string', multiple: true },
    lanes: { type: 'string', default: String(Math.max(1, Math.floor(availableParallelism() / MACHINE_CORES))) },
    keep: { type: 'boolean', default: false },
    resume: { type: 'boolean', default: false },
  },
})
const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => interrupted.abort(new Error(`interrupted by ${name}`)))
try {
  process.exitCode = (await runAll(interrupted.signal)) ? 0 : 1
} catch (thrown) {
  console.error(sentence(thrown))
  process.exitCode = 1
}

async function runAll(signal: AbortSignal): Promise<boolean> {
  const started = Date.now()
  const passed = await Passed.read()
  const trials = (await chosenTrials()).filter((trial) => !(values.resume && passed.has(trial)))
  for (const directory of [FAILED, KEPT]) await rm(directory, { recursive: true, force: true })
  const server = await startS3Server()
  if (typeof server === 'string') throw cannot('run the machines', server)
  await using store = server
  const scratch = await mkdtemp(join(tmpdir(), 'vm-run-'))
  let failed = 0
  try {
    await timed('programs', async () => {
      await compilePrograms(AbortSignal.any([signal, AbortSignal.timeout(IMAGE_LIMIT)]))
      await buildAgent(AbortSignal.any([signal, AbortSignal.timeout(IMAGE_LIMIT)]))
    })
    const stage = { server: store, operator: await Operator.hire(store, scratch, signal), keep: values.keep }
    const images = new Map<Suite, Promise<Image>>()
    const queue = [...trials]
    await inLanes(signal, async (signal) => {
      for (let trial = queue.shift(); trial !== undefined; trial = queue.shift()) {
        signal.throwIfAborted()
        const { suite } = trial
        const image = images.get(suite) ?? timed(`image of ${suite}`, () => imageOf(suite, scratch, signal))
        images.set(suite, image)
        const disk = await image
        const tried = (time: '' | '-again') => passes(trial, disk, stage, time, signal)
        // In emulation a guest may panic as it boots, or have no time for its evidence. Both times are told.
        if ((await tried('')) || (await tried('-again'))) await passed.add(trial)
        else failed++
      }
    })
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
  console.log(`${trials.length - failed} passed, ${failed} failed, in ${seconds(started).trim()}`)
  return failed === 0
}

/**
 * Does the same side by side, where there are processors for it.
 * All have ended when it returns; what one throws ends the others.
 */
async function inLanes(signal: AbortSignal, lane: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const broken = new AbortController()
  const together = AbortSignal.any([signal, broken.signal])
  const lanes = Array.from({ length: Number(values.lanes) }, () =>
    lane(together).catch((thrown: unknown) => broken.abort(thrown)),
  )
  await Promise.all(lanes)
  if (broken.signal.aborted) throw broken.signal.reason
}

/** Scenarios, by suite, so that an image is built and then used up; of each suite the longest first, so that lanes end together. */
async function chosenTrials(): Promise<readonly Trial[]> {
  const directory = join(import.meta.dirname, 'scenarios')
  const files = (await readdir(directory)).sort()
  const scenarios = await Promise.all(
    files.map(async (file) => ((await import(join(directory, file))) as { scenario: Scenario }).scenario),
  )
  scenarios.sort((a, b) => (b.minutes ?? 1) - (a.minutes ?? 1))
  const trials = SUITES.flatMap((suite) =>
    scenarios.filter((scenario) => suitesOf(scenario).includes(suite)).map((scenario) => ({ scenario, suite })),
  )
  const chosen = trials.filter(
    ({ scenario: { name }, suite }) => (values.only?.includes(name) ?? true) && (values.suite?.includes(suite) ?? true),
  )
  if (chosen.length === 0) {
    const names = scenarios.map(({ name, suites }) => `${name} (${suites.join(', ')})`)
    throw cannot('choose scenarios', `there are: ${names.join('; ')}`)
  }
  return chosen
}

/** All in a full run, and where one is asked for by name; else the one whose turn it is today. */
function suitesOf({ suites, turns = [] }: Scenario): readonly Suite[] {
  if (FULL) return suites
  const today = turns[Math.floor(Date.now() / DAY_MS) % turns.length]
  const due = values.suite === undefined && values.only === undefined ? [today] : turns
  return suites.filter((suite) => due.includes(suite))
}

function imageOf(suite: Suite, scratch: string, signal: AbortSignal): Promise<Image> {
  return bakedImage(suite, join(scratch, suite), AbortSignal.any([signal, AbortSignal.timeout(IMAGE_LIMIT)]))
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const started = Date.now()
  const result = await work()
  console.log(`${what}: ${seconds(started).trim()}`)
  return result
}
