import t from 'tap'
import { bundlePrefix, openKey, parseIndexKey } from '../../../agent/bundle/keys.ts'
import { salvageSchema } from '../../../agent/bundle/salvage-schema.ts'
import { viewBundle } from '../../../agent/operator/bundle/bundle-view.ts'
import { look, type Place } from '../../../agent/operator/salvage/plan.ts'
import { salvageBundle } from '../../../agent/operator/salvage/salvage-bundle.ts'
import { PART_BYTES } from '../../../agent/store/part-bytes.ts'
import { overlaps } from '../../../agent/words/ranges.ts'
import { seeded } from '../../random.ts'
import { type Actor, TurningStore, Turns } from './turns.ts'

t.setTimeout(120_000)
const signal = AbortSignal.timeout(110_000)
const SCHEDULES = 1_500
/** Turns of a salvager from his first look to his row. */
const MOST_TURNS = 30

const name = { identity: 'web-7', bundle: '20261130T030000Z-0123456789abcdef' }
const KEY = `${bundlePrefix(name)}live/app.7.core.zst`
const LATER = Date.UTC(2026, 11, 1)
const opening = {
  ...{ version: 1, ...name, trigger: 'shutdown', agent: '0.1.0', partBytes: PART_BYTES, recipients: [] },
  ...{ started: '2026-11-30T03:00:00.250Z', deadline: '2026-11-30T03:01:30.250Z' },
  host: { name: 'web-7', kernel: '6.12.0', arch: 'x64' },
}

async function salvages(place: Place): Promise<void> {
  const found = await look(place, name, signal)
  if (found.is === 'due') await salvageBundle(place, found.plan, '0', signal)
}

/** What a request of the host does that comes when nobody thinks of it any more. */
const LATE: readonly ((store: TurningStore) => void)[] = [
  (store) => store.uploads.get('u')?.parts.set(2, { bytes: PART_BYTES, holds: 'host' }),
  (store) => store.uploads.get('u')?.parts.set(5, { bytes: 10, holds: 'host' }),
  (store) => store.complete('u', new Map([[1, { bytes: PART_BYTES, holds: 'host' }]])),
  (store) => store.put(`${KEY}.again`, Buffer.from('all of it')),
  () => {},
]

for (const isCeph of [true, false]) {
  const kind = isCeph ? 'as Ceph has it' : 'as S3 has it'

  t.test(
    `${kind}: in ${SCHEDULES} schedules of three salvagers, two of which die, filler is never taken for evidence`,
    async (t) => {
      let completed = 0
      for (let seed = 1; seed <= SCHEDULES; seed += 1) {
        const random = seeded(seed)
        // A linear congruential generator's first numbers are alike for seeds that are.
        for (let i = 0; i < 8; i += 1) random()
        const store = new TurningStore(isCeph)
        store.put(`${bundlePrefix(name)}opening.json`, Buffer.from(JSON.stringify(opening)))
        store.put(openKey(name, 90), Buffer.alloc(0))
        const part = { bytes: PART_BYTES, holds: 'host' } as const
        store.uploads.set('u', {
          key: KEY,
          id: 'u',
          parts: new Map([
            [1, part],
            [3, part],
          ]),
        })
        const late = LATE[Math.floor(random() * LATE.length)] ?? (() => {})
        const salvager = (actor: Actor) => salvages(store.placeOf(actor, LATER))
        await new Turns(random).all([
          { work: salvager, stopsAt: Number.POSITIVE_INFINITY },
          { work: salvager, stopsAt: 1 + Math.floor(random() * MOST_TURNS) },
          { work: salvager, stopsAt: 1 + Math.floor(random() * MOST_TURNS) },
          {
            work: async (actor) => {
              for (let turns = Math.floor(random() * MOST_TURNS); turns > 0; turns -= 1) await actor.turn()
              late(store)
            },
            stopsAt: Number.POSITIVE_INFINITY,
          },
        ])
        const alone = store.placeOf({ turn: async () => {} }, LATER)
        const view = await viewBundle(alone.archive, name, LATER, signal)
        const object = store.objects.get(KEY)
        const holes = view.salvage?.get('live/app.7.core.zst')?.holes ?? []
        const untold = object?.parts.findIndex(({ holds }, i) => {
          return holds === 'filler' && !overlaps(holes, i * PART_BYTES, (i + 1) * PART_BYTES)
        })
        if (untold !== -1) return t.fail(`seed ${seed}: part ${(untold ?? 0) + 1} is filler, and nobody says so`)
        if (object === undefined) return t.fail(`seed ${seed}: there is no object`)
        const isHosts = object.parts.length === 1
        if (!isHosts && (object.parts[0]?.holds !== 'host' || object.parts[2]?.holds !== 'host'))
          return t.fail(`seed ${seed}: what had arrived is not in its place`)
        const found = await look(alone, name, signal)
        if (found.is !== 'closed') return t.fail(`seed ${seed}: it is ${found.is}`)
        const rows = [...store.objects.keys()].filter((key) => parseIndexKey(key)?.mark.kind === 'row')
        if (rows.length !== 1) return t.fail(`seed ${seed}: ${rows.length} rows`)
        for (const [key, { body }] of store.objects)
          if (key.includes('salvage.json')) salvageSchema.parse(JSON.parse(String(body)))
        if (!isHosts) completed += 1
      }
      t.ok(completed > SCHEDULES / 2, `${completed} were completed by a salvager`)
    },
  )
}
