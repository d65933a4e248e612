import { deepEqual, equal, ok } from 'node:assert/strict'
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAgain } from '../../../agent/spool/states.ts'
import { openArchive, openUploads } from '../../../agent/store/open.ts'
import { recordingProxy } from '../../policy/recording-proxy.ts'
import { seeded } from '../../random.ts'
import { acknowledgedIn, recovered } from '../../salvage/acknowledged.ts'
import { wrongWith } from '../../salvage/judge.ts'
import { empty, salvaged } from '../../salvage/kills.ts'
import { CACHE } from '../images.ts'
import { bootDone, powerButtonWatched } from '../power.ts'
import { type Context, FULL, type Scenario } from '../scenario.ts'

/** How often the power is cut; salvage-cuts.ts asks for more, from one number on to another, and keeps what came of each. */
const [FROM, CUTS] = [Number(process.env.LASTGASP_CUTS_FROM ?? 0), Number(process.env.LASTGASP_CUTS ?? 2)]
/** MiB of a log that does not shrink. */
const LOG = FULL ? 256 : 48
/** s: in emulation some MiB of it leave the guest each second. */
const DEADLINE = 600
/** Of the bytes that a capture sends, beside the log. */
const OTHERS = 4 * 1024 ** 2
/** ms between looks at how much has come. */
const LOOK_MS = 20
/** ms that the clock of the store is taken to be ahead when a bundle is salvaged: its host's time has passed. */
const LATER = 24 * 60 * 60_000

/** What came of a cut. */
interface Cut {
  readonly number: number
  readonly at: number
  readonly parts: number
  readonly acknowledged: number
  readonly recovered: number
  readonly filled: number
  /** Bytes that were on their way from the host's disk: those are sent anew by its next boot, and left alone. */
  readonly fromDisk: number
  readonly state: string
}

/**
 * The power is cut in the middle of a capture, each time from the same moment before the trigger: salvage makes of it what `verify`
 * accepts, and every part that the store had acknowledged is there.
 */
export const scenario: Scenario = {
  name: 'power-cut',
  suites: ['trixie', 'bookworm'],
  turns: ['trixie', 'rest', 'bookworm', 'rest'],
  minutes: 2,
  async run(context, signal) {
    const { boot, bucket, link, operator, server, step } = context
    const proxy = await recordingProxy(server.endpoint)
    await using closing = new AsyncDisposableStack()
    closing.use(proxy)
    link.target = Number(new URL(proxy.endpoint).port)
    await bucket.openForReading(signal)
    const settings = `[seal]\nrecipients = ["${operator.recipient}"]\n[memory]\nscope = "off"\n[files]\nlimit = "1GiB"`
    const host = { settings, deadline: DEADLINE }
    // As large as the machine: not among what is kept of a scenario that fails.
    const saved = await mkdtemp(join(tmpdir(), 'vm-saved-'))
    closing.defer(() => rm(saved, { recursive: true, force: true }))
    {
      await using machine = await boot(host)
      await bootDone(machine, signal)
      await powerButtonWatched(machine, signal)
      await machine.ok(`head -c ${LOG * 1024 ** 2} /dev/urandom >/var/log/app.log; sync`, signal)
      await machine.save(saved, signal)
      step('saved')
    }
    const random = seeded(FROM + 1)
    const done = results(context.suite)
    for (let number = FROM; number < FROM + CUTS; number++) {
      const at = random()
      if (done.has(number)) continue
      const before = proxy.recorded.length
      const sent = link.sent
      {
        await using machine = await boot({ ...host, saved })
        machine.powerButton()
        const until = sent + at * (LOG * 1024 ** 2 + OTHERS)
        while (link.sent < until && machine.runs) await sleep(LOOK_MS, undefined, { signal })
        machine.cutPower()
        await machine.off(signal)
      }
      const parts = acknowledgedIn(proxy.recorded.slice(before), `${bucket.name}/fleet`)
      const cut = await judged(context, { number, at }, parts, signal)
      step(`cut ${number} after ${(at * 100).toFixed(1)} %: ${JSON.stringify(cut)}`)
      done.add(cut)
      await empty(server, bucket.name)
    }
  },
}

async function judged(
  { bucket, operator, scratch, server }: Context,
  { number, at }: Pick<Cut, 'number' | 'at'>,
  all: ReturnType<typeof acknowledgedIn>,
  signal: AbortSignal,
): Promise<Cut> {
  const parts = all.filter(({ key }) => !isAgain(key))
  const sum = (some: typeof all) => some.reduce((bytes, part) => bytes + part.bytes, 0)
  await using archive = await openArchive(bucket.url, server.settings, signal)
  await using uploads = await openUploads(bucket.url, server.settings, signal)
  const now = async () => Date.now() + LATER
  const { bundle, state, filled, wrong } = await salvaged({ archive, uploads: { ...uploads, now } })
  deepEqual(
    wrong.filter((one) => !/^left: \S+\.again: it comes from the disk of its host/.test(one)),
    [],
  )
  const acknowledged = sum(parts)
  const there = await recovered(archive, parts, signal)
  equal(there, acknowledged, 'bytes acknowledged are bytes recovered')
  const { endpoint, region } = server.settings
  const set = [`s3.endpoint="${endpoint}"`, `s3.region="${region}"`, 's3.addressing="path"']
  const args = ['--store', bucket.url, ...set.flatMap((one) => ['--set', one])]
  const env = { ...process.env, AWS_ACCESS_KEY_ID: server.accessKey, AWS_SECRET_ACCESS_KEY: server.secretKey }
  if (bundle === undefined) equal(parts.length, 0, 'where nothing was begun, nothing had come')
  else deepEqual(await wrongWith(bundle, { args, env, key: operator.identity, scratch }), [])
  ok(bundle === undefined || state !== 'none', 'it has a row')
  const fromDisk = sum(all) - acknowledged
  return { number, at, parts: parts.length, acknowledged, recovered: there, filled, fromDisk, state }
}

/** What came of cuts with this content; in the full run they are kept, and tried no more. */
function results(suite: string) {
  const directory = join(CACHE, 'power-cuts')
  const file = join(directory, `${suite}-${LOG}-MiB.ndjson`)
  if (FULL) mkdirSync(directory, { recursive: true })
  const lines = FULL && existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
  const numbers = new Set(lines.map((line) => (JSON.parse(line) as Cut).number))
  return {
    has: (number: number) => numbers.has(number),
    add: (cut: Cut) => {
      if (FULL) appendFileSync(file, `${JSON.stringify(cut)}\n`)
    },
  }
}
