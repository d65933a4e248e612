import t from 'tap'
import { cutBy, fitted, fittedFirst, sendsAlone } from '../../agent/store/fit.ts'
import type { Gathered } from '../../agent/store/gather.ts'
import type { Pace } from '../../agent/store/pace.ts'
import { PART_BYTES } from '../../agent/store/part-bytes.ts'
import type { Deadline } from '../../agent/words/deadline.ts'

const KiB = 1024
/** A store that takes `rate` bytes per second, if anybody knows, and no request has a round trip. */
const paceOf = (rate: number | undefined) =>
  ({
    rate,
    shortfall: () => undefined,
    bytesWithin: (ms: number) => (rate === undefined ? undefined : (rate * ms) / 1000),
  }) as unknown as Pace
const untilIn = (ms: number) => ({ left: () => ms }) as unknown as Deadline
const part = (bytes: number) => ({ bytes: Buffer.alloc(bytes), last: false, cut: undefined }) as unknown as Gathered

t.test('what fits with a quarter to spare is sent as it is, and so is what nobody can judge', async (t) => {
  const whole = part(800 * KiB)
  t.equal(fitted(whole, paceOf(800 * KiB), untilIn(1_250)), whole)
  t.equal(fitted(whole, paceOf(undefined), untilIn(0)), whole)
  const less = fitted(whole, paceOf(800 * KiB), untilIn(1_000))
  t.match(less, { last: true, cut: { name: 'TimeUp', message: 'its time was up: the store takes 820 kB/s' } })
  t.equal(less?.bytes.length, 640 * KiB)
})

t.test('less than 64 KiB is worth a request only where there is nothing else', async (t) => {
  const whole = part(800 * KiB)
  t.equal(fitted(whole, paceOf(64 * KiB), untilIn(1_250))?.bytes.length, 64 * KiB)
  t.equal(fitted(whole, paceOf(64 * KiB), untilIn(1_249)), undefined)
  t.equal(fittedFirst(whole, paceOf(64 * KiB), untilIn(10)).bytes.length, 64 * KiB)
  const little = part(10 * KiB)
  t.equal(fittedFirst(little, paceOf(1), untilIn(10)), little)
})

t.test('a part that takes more than two seconds is sent alone', async (t) => {
  t.notOk(sendsAlone(paceOf(undefined)))
  t.notOk(sendsAlone(paceOf(PART_BYTES / 2)))
  t.ok(sendsAlone(paceOf(PART_BYTES / 2 - 1)))
})

t.test('who is to blame is told with what it takes', async (t) => {
  const told = (rate: number | undefined) => cutBy(paceOf(rate)).message
  t.equal(told(undefined), 'its time was up')
  t.equal(told(999_500), 'its time was up: the store takes 1000 kB/s')
  t.equal(told(1_000_000), 'its time was up: the store takes 1.0 MB/s')
})
