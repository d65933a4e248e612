import { mkdirSync } from 'node:fs'
import { type BundleName, bundleOf } from '../../agent/bundle/keys.ts'
import type { Captured } from '../../agent/capture/capture.ts'
import { Gasp } from '../../agent/daemon/gasp.ts'
import type { AtTrigger } from '../../agent/daemon/standing/standing.ts'
import type { Due } from '../../agent/daemon/triggers/trigger.ts'
import { drain } from '../../agent/spool/drain.ts'
import { type Place, placeIn, recordOf } from '../../agent/spool/place.ts'
import { readRecord } from '../../agent/spool/record.ts'
import { isAgain, isArtifact } from '../../agent/spool/states.ts'
import { retrying } from '../../agent/store/retrying.ts'
import { never, request } from '../capture/scene.ts'
import { TestClock } from '../clock.ts'
import { countWholeFiles, syncNothing } from '../files-at-work.ts'
import { seeded } from '../random.ts'
import { type Draw, drawOf } from './draw.ts'
import { FaultyStore } from './faulty-store.ts'
import { type Host, hostOf } from './host.ts'
import { contentsOf } from './spool-contents.ts'
import { type Weather, weatherOf } from './weather.ts'

countWholeFiles()
await syncNothing()

/** What the daemon is told, and when. */
export interface Plot {
  readonly due: Due
  readonly deadline: number
  readonly hold: number
  /** On the clock, ms. */
  readonly forced?: number
  readonly cancelled?: number
  readonly certain?: number
  /** Bytes that the bundle and the spool may take. */
  readonly limit?: number
  readonly spool: number
  /** ms by which every timer is late: somebody else has the processor. */
  readonly late: number
}

/** A run as it has gone. */
export interface Played {
  readonly seed: number
  readonly plot: Plot
  readonly weather: Weather
  readonly host: Host
  readonly store: FaultyStore
  /** When it had ended, on the clock, and with which line. */
  readonly ended: number
  readonly line: string
  readonly captured: Captured | undefined
  /** What the store had when it had ended, and what lay on the disk. */
  readonly inStore: ReadonlyMap<string, Buffer>
  readonly onDisk: ReadonlyMap<string, Buffer>
  /** Requests that nobody had ended by then. */
  readonly open: readonly string[]
  /** What lies on the disk after the next boot has found the store well. */
  readonly left: ReadonlyMap<string, Buffer>
}

/** How often the next boot drains, and for how long. */
const TIMES = 4
const DRAIN_MS = 900_000
/** What is still on its way has arrived. */
const SETTLED_MS = 200_000

/** Plays a seed: a host that goes, a store in its weather, and the next boot. `directory` is for its disk. */
export async function play(seed: number, directory: string): Promise<Played> {
  const [clock, plot] = [new TestClock(), plotOf(seed)]
  clock.waitsForFiles = true
  clock.late = plot.late
  const weather = weatherOf(seed, plot.deadline)
  const store = new FaultyStore(clock, seed, weather)
  const host = hostOf(clock, seed, plot.deadline)
  mkdirSync(directory, { recursive: true })
  const place = placeIn(directory)
  // The pauses between two tries.
  const { random } = Math
  Math.random = seeded(seed)
  try {
    const before = await gasp(seed, plot, clock, store, host, place)
    const [inStore, onDisk, open] = [new Map(store.objects), await contentsOf(place), store.open]
    // Others come before the next boot: a salvager, and whoever else has made up such a key.
    const others = drawOf(seed, 'others')
    store.isAlone = true
    if (others.chance(1 / 3)) store.salvage()
    if (others.chance(1 / 10)) {
      // Whose answer is lost takes what is another's for its own (SPOOL.md).
      store.healed = true
      await takeSome(onDisk.keys(), others, store, place)
    }
    // First as the weather is, then when it is fair.
    for (let n = 0; n < TIMES; n++) {
      if (n > 0) {
        await clock.run(clock.sleep(SETTLED_MS))
        store.healed = true
      }
      const limit = clock.timeout(DRAIN_MS)
      await clock.run(drain(place, retrying(store, 3, clock), {}, limit)).catch(() => {})
    }
    return { seed, plot, weather, host, store, ...before, inStore, onDisk, open, left: await contentsOf(place) }
  } finally {
    Math.random = random
  }
}

/** Somebody else has some keys of artifacts to which nothing was sent. */
async function takeSome(keys: Iterable<string>, draw: Draw, store: FaultyStore, place: Place): Promise<void> {
  for (const key of keys) {
    const { sent } = await readRecord(recordOf(place, bundleOf(key) as BundleName), never)
    if (isArtifact(key) && !isAgain(key) && !sent.has(key) && draw.chance(1 / 2)) store.giveAway(key)
  }
}

async function gasp(seed: number, plot: Plot, clock: TestClock, store: FaultyStore, host: Host, place: Place) {
  const { deadline, hold, limit, spool } = plot
  const lease: AtTrigger = {
    request: { ...request, deadline, hold, ...(limit !== undefined && { limit }) },
    store: retrying(store, Number.POSITIVE_INFINITY, clock),
    spool,
    [Symbol.asyncDispose]: async () => {},
  }
  const reading = drawOf(seed, 'reading').one([0, 0, 250])
  const standing = clock.sleep(reading).then(() => ({ atTrigger: async () => lease }))
  let captured: Captured | undefined
  let line = ''
  const around = {
    ...{ standing, collector: host.collector, clock, spool: place },
    say: (said: string) => {
      line = said
    },
    memory: {
      begun: () => {},
      ended: (_: unknown, what: Captured | undefined) => {
        captured = what
      },
    },
  }
  const gasp = new Gasp(plot.due, around, never)
  const at = (ms: number | undefined, what: () => void) => ms !== undefined && clock.after(ms, what)
  at(plot.forced, () => gasp.hurry())
  at(plot.cancelled, () => gasp.cancel())
  at(plot.certain, () => gasp.rearm({ trigger: 'shutdown' }))
  await clock.run(gasp.ended)
  return { ended: clock.now(), line, captured }
}

function plotOf(seed: number): Plot {
  const draw = drawOf(seed, 'plot')
  const deadline = draw.magnitude(3_000, 300_000)
  const due = dueOf(draw, deadline)
  const announced = due.announced
  return {
    ...{ due, deadline, hold: draw.one([0, 3_000, 10_000, 10_000, 60_000]) },
    ...(draw.chance(0.1) && { forced: draw.between(0, deadline) }),
    ...(draw.chance(0.1) && { cancelled: draw.between(0, deadline) }),
    ...(announced !== undefined && draw.chance(0.8) && { certain: draw.between(0, announced) }),
    ...(draw.chance(0.1) && { limit: draw.magnitude(1_000, 10_000_000) }),
    spool: draw.one([0, 2 ** 30, 2 ** 30, 2 ** 30, 300_000]),
    late: draw.one([0, 0, 0, 0, 0, 0, 0, 0, 30, 200]),
  }
}

function dueOf(draw: Draw, deadline: number): Due {
  const trigger = draw.one(['shutdown', 'shutdown', 'shutdown', 'notice', 'previous-boot'] as const)
  if (trigger === 'notice') return { trigger, until: deadline }
  if (trigger === 'previous-boot') return { trigger, about: { bootId: '2'.repeat(32) } }
  return draw.chance(0.2) ? { trigger, announced: draw.between(0, 60_000) } : { trigger }
}
