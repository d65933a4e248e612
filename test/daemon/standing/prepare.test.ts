import t from 'tap'
import { clamped } from '../../../agent/daemon/standing/prepare.ts'

t.test('the deadline is half a second less than what the unit allows, where that is less', async (t) => {
  t.equal(clamped(60_000, '90000'), 60_000)
  t.equal(clamped(90_000, '90000'), 89_500)
  t.equal(clamped(90_000, '501'), 1)
})

t.test('where the unit says nothing, or nothing that can be kept, the settings hold', async (t) => {
  for (const stop of [undefined, '', 'infinity', '0', '500', '-1']) t.equal(clamped(60_000, stop), 60_000, `${stop}`)
})
