import t from 'tap'
import { Backing } from '../../agent/daemon/backing.ts'
import { systemClock } from '../../agent/words/clock.ts'
import { deadlineIn } from '../../agent/words/deadline.ts'
import { PREFIX, sceneIn, signal } from '../spool/scene.ts'

// A store that is silent holds nothing that keeps a process alive.
const alive = setInterval(() => {}, 1_000)
t.teardown(() => clearInterval(alive))

const NAME = { identity: 'host-1', bundle: PREFIX.split('/')[3] ?? '' }
const never = new AbortController().signal

/** A capture of a few seconds that has kept an opening, for its store did not answer. */
async function keptBy(directory: string, hurry = never) {
  const scene = sceneIn(directory)
  scene.fate = 'silent'
  const most = 1024 ** 3
  const terms = { spool: scene.place, most, hold: 1_000, deadline: deadlineIn(6_000), hurry, clock: systemClock }
  const backing = new Backing(scene.store, terms)
  await backing.store.put(`${PREFIX}opening.json`, Buffer.from('opening'), signal)
  return { scene, backing }
}

t.test('a store that is back when the bundle is closed gets what was kept', async (t) => {
  const { scene, backing } = await keptBy(t.testdir())
  t.equal(backing.kept.objects, 1)
  scene.fate = 'answers'
  t.match(await backing.flushed(NAME, signal), { objects: 0 })
  t.same([await scene.kept(), await scene.stored()], [[], [`${PREFIX}opening.json`]])
})

t.test('one that is not is given up in time, and what was kept stays', async (t) => {
  const { scene, backing } = await keptBy(t.testdir())
  const began = performance.now()
  t.match(await backing.flushed(NAME, signal), { objects: 1 })
  t.ok(performance.now() - began < 6_000)
  t.equal((await scene.kept()).length, 1)
})

t.test(
  'of a host that is forced down the store has half of what is left, whatever its patience was',
  { timeout: 60_000 },
  async (t) => {
    const scene = sceneIn(t.testdir())
    scene.fate = 'silent'
    const hurry = new AbortController()
    const terms = { spool: scene.place, most: 1024 ** 3, hold: 300_000, deadline: deadlineIn(900_000) }
    const backing = new Backing(scene.store, { ...terms, hurry: hurry.signal, clock: systemClock })
    const put = backing.store.put(`${PREFIX}opening.json`, Buffer.from('opening'), signal)
    hurry.abort()
    await put
    t.equal(backing.kept.objects, 1)
  },
)

t.test('nobody waits for it where the host is forced down, or lives on', async (t) => {
  for (const how of ['forced', 'cancelled']) {
    const hurry = new AbortController()
    const { scene, backing } = await keptBy(t.testdir(), hurry.signal)
    scene.fate = 'answers'
    if (how === 'forced') hurry.abort()
    const kept = await backing.flushed(NAME, how === 'forced' ? signal : AbortSignal.abort())
    t.match(kept, { objects: 1 })
    t.equal((await scene.kept()).length, 1)
  }
})
