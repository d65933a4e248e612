import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { keepDraining } from '../../agent/daemon/keep-draining.ts'
import type { Store } from '../../agent/store/store.ts'
import type { Clock } from '../../agent/words/clock.ts'
import { systemClock } from '../../agent/words/clock.ts'
import { sceneIn } from '../spool/scene.ts'

/** The spool of test/fixtures belongs to this store. */
const STORE = 's3://bucket/fleet'
const LOOK_MS = 300_000

/** What a daemon says that drains the golden spool to such a store, and the pauses that it makes, up to so many. */
async function drained(t: Test, times: number, storeOf: (store: Store) => Store | Error) {
  const root = mkdtempSync(join(tmpdir(), 'lastgasp-test-'))
  t.teardown(() => rmSync(root, { recursive: true }))
  const { place, state, store, kept } = sceneIn(root)
  cpSync(join(import.meta.dirname, '../fixtures/spool'), join(state, 'spool/1'), { recursive: true })
  const [pauses, told]: [number[], string[]] = [[], []]
  const end = new AbortController()
  // No pause takes any time: the disk is a real one.
  const clock: Clock = {
    ...systemClock,
    after: (ms, call) => {
      if (pauses.push(ms) === times) end.abort()
      setImmediate(call)
      return () => {}
    },
  }
  let leases = 0
  const lease = () => ({ store: storeOf(store), [Symbol.asyncDispose]: async () => void leases-- })
  const standing = { spool: 1024 ** 3, lease: () => [lease(), leases++][0] as ReturnType<typeof lease> }
  const say = (line: unknown) => void told.push(String(line))
  await keepDraining(place, standing, { info: say, warn: say }, end.signal, clock)
  return { pauses, told, leases, kept: await kept() }
}

t.test('what is kept goes to its store at once; then it is looked for now and then', async (t) => {
  const { pauses, told, leases, kept } = await drained(t, 3, (store) => ({ ...store, url: STORE }))
  t.strictSame(pauses, [250, LOOK_MS, 250])
  t.strictSame(told, [`5 objects that had been kept in the spool went to ${STORE}`])
  t.strictSame([leases, kept], [0, []])
})

t.test('what the store does not take is tried again now and then, and told once', async (t) => {
  const { pauses, told, leases } = await drained(t, 4, (store) => ({ ...store, url: 's3://other' }))
  t.strictSame(pauses, [LOOK_MS, 250, LOOK_MS, 250])
  t.strictSame(told, [`5 objects in the spool cannot go to s3://other: they belong to ${STORE}`])
  t.equal(leases, 0)
})

t.test('where there is no store it is tried again, ever more slowly, and nothing is said here', async (t) => {
  const { pauses, told, leases } = await drained(t, 3, () => new Error('no store is set'))
  t.strictSame(pauses, [500, 1_000, 2_000])
  t.strictSame([told, leases], [[], 0])
})
