import t from 'tap'
import { clockSkew } from '../../agent/store/s3/skew.ts'

t.test('the clock skew is the date against the middle of the round trip', async (t) => {
  const noon = Date.UTC(2026, 0, 1, 12)
  const date = 'Thu, 01 Jan 2026 12:00:00 GMT'
  t.equal(clockSkew(date, noon, noon + 1000), 0)
  t.equal(clockSkew(date, noon + 60_000, noon + 60_200), -59_600)
  t.equal(clockSkew('Thu, 01 Jan 2026 13:00:00 GMT', noon, noon), 3_600_500)
  t.equal(clockSkew(undefined, noon, noon), undefined)
  t.equal(clockSkew('yesterday', noon, noon), undefined)
})
