import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { drain } from '../../agent/spool/drain.ts'
import { Keeper } from '../../agent/spool/keeper.ts'
import { placeIn } from '../../agent/spool/place.ts'
import { againKey } from '../../agent/spool/states.ts'
import { Pace } from '../../agent/store/pace.ts'
import { PART_BYTES } from '../../agent/store/part-bytes.ts'
import { type Store, StoreError } from '../../agent/store/store.ts'
import { seeded } from '../random.ts'
import { recordBelow, tapFiles, tell } from './lying-disk/recording.ts'
import { type Event, Shadow } from './lying-disk/shadow.ts'
import { INDEX, lots, PREFIX } from './scene.ts'

// A disk that keeps of what was not synced what it likes, under a spool whose power is cut at any operation: twice, once while a capture keeps something, and
// once while the next boot drains. LASTGASP_SEEDS=2000 npx tap test/spool/lying-disk.test.ts tries more cuts.

const SEEDS = Number(process.env.LASTGASP_SEEDS ?? 60)
const LIMIT_MS = Math.max(300_000, SEEDS * 1_000)
t.setTimeout(LIMIT_MS)
const signal = AbortSignal.timeout(LIMIT_MS)

const KEPT = new Map<string, Buffer>([
  [`${PREFIX}opening.json`, randomBytes(900)],
  [`${INDEX}.90.open`, Buffer.alloc(0)],
  [`${PREFIX}facts.tar.zst`, randomBytes(50_000)],
  [`${PREFIX}stacks/one.zst`, randomBytes(5_000)],
  [`${PREFIX}cores/a.core.zst`, randomBytes(PART_BYTES + 70_000)],
  [`${PREFIX}files/b.zst`, randomBytes(20_000)],
  [`${PREFIX}manifest.json`, randomBytes(3_000)],
  [`${INDEX}.complete.healthy.json`, randomBytes(700)],
])
/** Those of which an upload was begun in the store, and one that may lie in the store already. */
const [BEGUN, SAME] = [`${PREFIX}files/b.zst`, `${PREFIX}stacks/one.zst`]

/** A store in memory, which tells of what it has been given. */
function storeWith(objects: Map<string, Buffer>): Store {
  const create = (key: string, body: Buffer) => {
    if (objects.has(key)) throw new StoreError('exists', `${key} exists already`)
    objects.set(key, Buffer.from(body))
    tell(key, body)
  }
  return {
    url: 's3://bucket',
    pace: new Pace(),
    warm: async () => {},
    put: async (key, body) => {
      create(key, body)
      return { key, bytes: body.length }
    },
    begin: async (key) => {
      const parts: Buffer[] = []
      return {
        key,
        part: async (number, body) => {
          parts[number - 1] = Buffer.from(body)
        },
        complete: async () => {
          create(key, Buffer.concat(parts))
          return { key, bytes: Buffer.concat(parts).length }
        },
      }
    },
    [Symbol.asyncDispose]: async () => {},
  }
}

/** Keeps all of it on the disk; tells of each object when it is said to be safe. */
async function keepAll(state: string): Promise<void> {
  const keeper = await Keeper.open(placeIn(state), 's3://bucket', lots, signal)
  for (const [key, body] of KEPT) {
    const before = { begun: key === BEGUN, same: key === SAME, other: false }
    if (body.length <= PART_BYTES) await keeper.put(key, body, before, signal)
    else {
      const upload = await keeper.begin(key, before, signal)
      for (let at = 0; at < body.length; at += PART_BYTES)
        await upload.part(at / PART_BYTES + 1, body.subarray(at, at + PART_BYTES), signal)
      await upload.complete(signal)
    }
    tell(key)
  }
}

/** What was told until then. */
const told = (events: readonly Event[]) => events.flatMap((event) => (event.do === 'tell' ? [event] : []))

/** The disk after a power cut behind the first `count` of these events, in a directory of its own. */
function cut(before: Shadow, events: readonly Event[], count: number, state: string, chance: () => number): void {
  for (const event of events.slice(0, count)) before.apply(event)
  rmSync(state, { recursive: true })
  mkdirSync(state)
  before.leave(state, chance)
}

t.test(`after ${SEEDS} pairs of power cuts only what is whole goes up, and all that was said to be safe`, async (t) => {
  await tapFiles()
  const home = mkdtempSync(join(tmpdir(), 'lastgasp-lying-'))
  t.teardown(() => rmSync(home, { recursive: true, force: true }))
  const seen = new Set<string>()
  for (let seed = 1; seed <= SEEDS; seed++) {
    const chance = seeded(seed * 7919)
    const state = join(home, 'state')
    mkdirSync(state)
    const kept = recordBelow(state)
    await keepAll(state)
    const first = Math.floor(chance() * (kept.length + 1))
    const safe = told(kept.slice(0, first)).map(({ what }) => what)
    cut(new Shadow(), kept, first, state, chance)

    const objects = new Map<string, Buffer>()
    const before = Shadow.of(state)
    const drained = recordBelow(state)
    await drain(placeIn(state), storeWith(objects), {}, signal)
    const second = Math.floor(chance() * (drained.length + 1))
    const arrived = new Map(told(drained.slice(0, second)).map(({ what, bytes = Buffer.alloc(0) }) => [what, bytes]))
    cut(before, drained, second, state, chance)

    const last = recordBelow(state)
    await drain(placeIn(state), storeWith(arrived), {}, signal)
    const wrong = [
      ...[...arrived].flatMap(([key, body]) => {
        const whole = KEPT.get(key) ?? KEPT.get(key.replace(/\.again$/, ''))
        return whole?.equals(body) ? [] : [`${key} arrived with ${body.length} of ${whole?.length} bytes, or others`]
      }),
      ...safe.flatMap((key) =>
        arrived.has(key) || arrived.has(againKey(key)) ? [] : [`${key} was safe, and is lost`],
      ),
    ]
    if (wrong.length > 0) t.fail(`seed ${seed}, cut after ${first} and ${second}: ${wrong.join('; ')}`)
    for (const { do: what } of [...kept, ...drained, ...last]) seen.add(what)
    rmSync(state, { recursive: true })
  }
  const all: Event['do'][] = [
    'create',
    'link',
    'mkdir',
    'remove',
    'removeAll',
    'sync',
    'syncDirectory',
    'tell',
    'truncate',
    'write',
  ]
  t.same([...seen].sort(), all, 'all that is done to a disk was seen')
})
