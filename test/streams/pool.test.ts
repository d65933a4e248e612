import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { freedWhenBack, leased } from '../../agent/streams/lease.ts'
import { Pool } from '../../agent/streams/pool.ts'
import { POISON, poisoned } from './poisoned.ts'
import { Pool as PoisoningPool } from './poisoning-pool.ts'

const { signal } = new AbortController()

t.test('buffers go round, and no more of them are made than may be out', async (t) => {
  using pool = new Pool(100, 2)
  const [one, two] = [await pool.lease(signal), await pool.lease(signal)]
  t.same([one.bytes.length, two.bytes.length], [100, 100])
  t.not(one.bytes.buffer, two.bytes.buffer)
  t.equal(pool.leaseNow(), undefined)
  one.release()
  const third = await pool.lease(signal)
  t.equal(third.bytes.buffer, one.bytes.buffer, 'what came back is lent again')
})

t.test('who waits gets what comes back; one that gave up does not keep it from the next', async (t) => {
  using pool = new Pool(1, 1)
  const out = await pool.lease(signal)
  const enough = new AbortController()
  const [impatient, patient] = [pool.lease(enough.signal), pool.lease(signal)]
  let has = false
  void patient.then(() => (has = true))
  await setImmediate()
  t.notOk(has)
  enough.abort(new Error('enough'))
  out.release()
  await t.rejects(impatient, { message: 'enough' })
  ;(await patient).release()
  await t.rejects(pool.lease(enough.signal), { message: 'enough' }, 'even where one is there')
})

t.test('what is never released stays out for good', async (t) => {
  using pool = new Pool(1, 2)
  const abandoned = await pool.lease(signal)
  for (let nth = 0; nth < 10; nth++) {
    const { bytes, release } = await pool.lease(signal)
    t.not(bytes.buffer, abandoned.bytes.buffer)
    release()
  }
})

t.test('once disposed of it lends no more, and frees what is there and what comes back', async (t) => {
  const pool = new Pool(10, 2)
  const [early, late] = [await pool.lease(signal), await pool.lease(signal)]
  const waiting = [pool.lease(signal), pool.lease(signal)]
  early.release()
  ;(await waiting[0])?.release()
  ;(await waiting[1])?.release()
  t.equal(early.bytes.length, 10)
  const last = await pool.lease(signal)
  const inVain = pool.lease(signal)
  pool[Symbol.dispose]()
  await t.rejects(inVain, { message: 'its buffers are gone' })
  await t.rejects(pool.lease(signal), { message: 'its buffers are gone' })
  t.equal(pool.leaseNow(), undefined)
  t.same(
    [last, late].map(({ bytes }) => bytes.length),
    [10, 10],
  )
  for (const { release } of [last, late]) release()
  t.same(
    [last, late].map(({ bytes }) => bytes.length),
    [0, 0],
  )
})

t.test('memory is freed at once', async (t) => {
  const pool = new Pool(10, 2)
  const [early, late] = [await pool.lease(signal), await pool.lease(signal)]
  early.release()
  pool[Symbol.dispose]()
  t.same(
    [early, late].map(({ bytes }) => bytes.length),
    [0, 10],
  )
  late.release()
  t.equal(late.bytes.length, 0)
})

t.test('a second release does nothing, and the pool of the tests throws', async (t) => {
  let released = 0
  const { release } = leased(Buffer.alloc(1), () => released++)
  release()
  release()
  t.equal(released, 1)
  const twice = poisoned(leased(Buffer.alloc(1), () => {}))
  twice.release()
  t.throws(twice.release, /released twice/)
})

t.test('the pool of the tests overwrites what comes back', async (t) => {
  using pool = new PoisoningPool(4, 1)
  const { bytes, release } = await pool.lease(signal)
  bytes.write('mine')
  release()
  t.ok(bytes.every((byte) => byte === POISON))
})

t.test('pieces of one memory are freed when all of it has come back', async (t) => {
  const memory = Buffer.allocUnsafeSlow(10)
  const lend = freedWhenBack()
  const pieces = [memory.subarray(0, 4), memory.subarray(4, 10)].map(lend)
  pieces[1]?.release()
  pieces[1]?.release()
  t.equal(memory.length, 10)
  pieces[0]?.release()
  t.equal(memory.length, 0)
})
