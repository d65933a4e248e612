import { spawn } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { type Attendance, shutdown } from '../../../agent/daemon/triggers/shutdown.ts'
import type { Due } from '../../../agent/daemon/triggers/trigger.ts'

/** ms: more than what counts as one broadcast, on a host that hardly runs as well. */
const LONG_AFTER = 2_000
/** ms for which this process does not come to anything. */
const KEPT_MS = 400

/** A process that hears of SIGTERM and of its collector when the test says so; `told` is what it makes of that. */
function watched(t: Test) {
  const [first, second, end] = [new AbortController(), new AbortController(), new AbortController()]
  const attendance: Attendance = new EventEmitter()
  const told: string[] = []
  const watch = shutdown({ first: first.signal, second: second.signal }, attendance)
  watch((word) => void told.push(word.is === 'due' ? nameOf(word.due) : word.is), end.signal)
  t.teardown(() => end.abort())
  return {
    told,
    end,
    attendance,
    term: async () => {
      ;(first.signal.aborted ? second : first).abort()
      await turn()
    },
    broken: () => attendance.emit('broken'),
  }
}

const nameOf = ({ trigger, announced }: Due) => (announced === undefined ? trigger : `${trigger} within ${announced}`)
const turn = () => new Promise((resolve) => setImmediate(resolve))
const later = () => new Promise((resolve) => setTimeout(resolve, LONG_AFTER))

/** Whether a child has not ended yet: one that has is a zombie until we look. */
const isAlive = (pid: number | undefined) => !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))

t.test('a SIGTERM is a shutdown, a second one forces it', async (t) => {
  const { told, term } = watched(t)
  await term()
  t.strictSame(told, ['shutdown'])
  await term()
  t.strictSame(told, ['shutdown', 'forced'])
})

t.test('a SIGTERM to us and to the collector is the last broadcast, in whatever order', async (t) => {
  const before = watched(t)
  before.broken()
  await before.term()
  t.strictSame(before.told, ['shutdown', 'forced'])

  const after = watched(t)
  await after.term()
  after.broken()
  t.strictSame(after.told, ['shutdown', 'forced'])
})

t.test('a collector that ends at another time has its own reason', async (t) => {
  const { told, term, broken } = watched(t)
  broken()
  await later()
  await term()
  await later()
  broken()
  t.strictSame(told, ['shutdown'])
})

t.test('one that ended long before tells nothing of one that ends with us', async (t) => {
  const { told, term, broken } = watched(t)
  broken()
  await later()
  broken()
  await term()
  t.strictSame(told, ['shutdown', 'forced'])
})

t.test('nothing is heard of the collector after the end', async (t) => {
  const { end, attendance } = watched(t)
  t.equal(attendance.listenerCount('broken'), 1)
  end.abort()
  t.equal(attendance.listenerCount('broken'), 0)
})

t.test('on a host that hardly runs, what came meanwhile came in time', async (t) => {
  const { told, term, broken } = watched(t)
  const ends = spawn('sleep', ['0.05'], { stdio: ['ignore', 'pipe', 'ignore'] })
  ends.stdout.on('end', broken).resume()
  await term()
  // Until the timer is due as well, and nothing has been read.
  for (const until = performance.now() + KEPT_MS; performance.now() < until || isAlive(ends.pid); );
  await later()
  t.strictSame(told, ['shutdown', 'forced'])
})

t.test(
  'what logind announces is a shutdown too, and can be cancelled; nothing of it is heard after the end',
  async (t) => {
    const { told, term, attendance, end } = watched(t)
    attendance.emit('announced', 5_000)
    attendance.emit('cancelled')
    attendance.emit('announced', 5_000)
    await term()
    t.strictSame(told, ['shutdown within 5000', 'cancelled', 'shutdown within 5000', 'shutdown'])
    end.abort()
    t.same([attendance.listenerCount('announced'), attendance.listenerCount('cancelled')], [0, 0])
  },
)
