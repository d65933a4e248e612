import t from 'tap'
import { dayOf, instant, moment } from '../../../agent/operator/catalogue/moments.ts'

const now = Date.UTC(2026, 9, 12, 3, 4, 5)

t.test('times as people type them', async (t) => {
  t.equal(moment('2d', now), now - 2 * 86_400_000)
  t.equal(moment('90s', now), now - 90_000)
  t.equal(moment('2026-10-12', now), Date.UTC(2026, 9, 12))
  t.equal(moment('2026-10-12T03:00', now), Date.UTC(2026, 9, 12, 3), 'UTC where no zone is given')
  t.equal(moment('2026-10-12 03:00:01', now), Date.UTC(2026, 9, 12, 3, 0, 1))
  t.equal(moment('2026-10-12T03:00+02:00', now), Date.UTC(2026, 9, 12, 1))
  for (const text of ['', 'yesterday', '2', '2y', '2026-13-40', '12.10.2026', '2026-10-12T']) {
    t.throws(() => moment(text, now), { message: /cannot read the time/ }, text)
  }
})

t.test('times as people read them', async (t) => {
  t.equal(instant(now), '2026-10-12 03:04:05 UTC')
  t.equal(instant(1e300), '?')
  t.equal(instant(undefined), '?')
  t.equal(dayOf(now), '2026-10-12')
})
