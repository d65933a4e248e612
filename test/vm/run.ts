import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cannot, sentence } from '../../agent/cannot.ts'
import { SUITES, type Suite } from '../../scripts/vm/base.ts'
import type { Image } from '../../scripts/vm/image.ts'
import { Machine } from '../../scripts/vm/machine.ts'
import { type S3Server, startS3Server } from '../s3-server.ts'
import { Bucket } from './bucket.ts'
import { hostFiles } from './host.ts'
import { bakedImage, buildAgent, CACHE, compilePrograms, program } from './images.ts'
import { Link } from './link.ts'
import { Operator } from './operator.ts'
import type { HostOptions, Scenario } from './scenario.ts'

/** A scenario boots once, in half a minute of emulation; the rest is room for a busy machine, or for 1 GiB. */
const SCENARIO_LIMIT = (process.env.LASTGASP_FULL === '1' ? 30 : 10) * 60_000
/** Base system, build, bake and disk: a download of 100 MB is the slowest of it. */
const IMAGE_LIMIT = 15 * 60_000
/** A few small objects from loopback. */
const SAVE_LIMIT = 30_000
const FAILED = join(CACHE, 'failed')
/** MiB. Debian testing's initrd is dracut's, which is unpacked into memory as a whole. */
const MEMORY: Readonly<Record<Suite, number>> = { bookworm: 1024, trixie: 1024, forky: 2048 }

interface Trial {
  readonly scenario: Scenario
  readonly suite: Suite
}

const { values } = parseArgs({
  options: { only: { type: 'string', multiple: true }, suite: { type: 'string', multiple: true } },
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
  const trials = await chosenTrials()
  await rm(FAILED, { recursive: true, force: true })
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
    const operator = await Operator.hire(store, scratch, signal)
    const images = new Map<Suite, Image>()
    for (const trial of trials) {
      signal.throwIfAborted()
      const { suite } = trial
      const image = images.get(suite) ?? (await timed(`image of ${suite}`, () => imageOf(suite, scratch, signal)))
      images.set(suite, image)
      const tried = (time: '' | '-again') => passes(trial, image, store, operator, time, signal)
      // In emulation a guest may panic as it boots, or have no time for its evidence. Both times are told.
      if (!((await tried('')) || (await tried('-again')))) failed++
    }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
  console.log(`${trials.length - failed} passed, ${failed} failed`)
  return failed === 0
}

/** Scenarios, by suite, so that an image is built and then used up. */
async function chosenTrials(): Promise<readonly Trial[]> {
  const directory = join(import.meta.dirname, 'scenarios')
  const files = (await readdir(directory)).sort()
  const scenarios = await Promise.all(
    files.map(async (file) => ((await import(join(directory, file))) as { scenario: Scenario }).scenario),
  )
  const trials = SUITES.flatMap((suite) =>
    scenarios.filter(({ suites }) => suites.includes(suite)).map((scenario) => ({ scenario, suite })),
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

function imageOf(suite: Suite, scratch: string, signal: AbortSignal): Promise<Image> {
  return bakedImage(suite, join(scratch, suite), AbortSignal.any([signal, AbortSignal.timeout(IMAGE_LIMIT)]))
}

async function passes(
  { scenario, suite }: Trial,
  image: Image,
  server: S3Server,
  operator: Operator,
  time: '' | '-again',
  parent: AbortSignal,
): Promise<boolean> {
  const title = `${scenario.name} on ${suite}${time}`
  const signal = AbortSignal.any([parent, AbortSignal.timeout(SCENARIO_LIMIT)])
  const scratch = await mkdtemp(join(tmpdir(), 'vm-scenario-'))
  const consoleLog = join(scratch, 'console.log')
  const started = Date.now()
  const step = (what: string) => console.log(`  ${seconds(started)}  ${what}`)
  console.log(title)
  let bucket: Bucket | undefined
  try {
    const made = await Bucket.make(server, `${scenario.name}-${suite}${time}`)
    bucket = made
    await using link = await Link.open(Number(new URL(server.endpoint).port))
    const boot = async (options: HostOptions) => {
      const files = hostFiles(options, made.url, server.accessKey, server.secretKey)
      const memoryMiB = options.memoryMiB ?? MEMORY[suite]
      const machine = await Machine.boot(image, { port: link.port, memoryMiB, files, console: consoleLog }, signal)
      await machine.ready(signal).catch(async (thrown: unknown) => {
        await machine[Symbol.asyncDispose]()
        throw thrown
      })
      step('booted')
      return machine
    }
    await scenario.run({ suite, scratch, bucket: made, link, operator, program, step, boot }, signal)
    console.log(`ok ${seconds(started)}  ${title}`)
    return true
  } catch (thrown) {
    const kept = join(FAILED, `${scenario.name}-${suite}${time}`)
    await bucket?.save(scratch, AbortSignal.timeout(SAVE_LIMIT)).catch(() => {}) // what failed is told below
    await mkdir(FAILED, { recursive: true })
    await cp(scratch, kept, { recursive: true })
    console.log(`not ok ${seconds(started)}  ${title}: ${thrown instanceof Error ? thrown.stack : sentence(thrown)}`)
    console.log(`  see ${kept}`)
    return false
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const started = Date.now()
  const result = await work()
  console.log(`${what}: ${seconds(started).trim()}`)
  return result
}

function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`.padStart(8)
}
