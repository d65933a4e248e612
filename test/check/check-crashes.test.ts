import t from 'tap'
import { checkCrashes } from '../../agent/check/check-crashes.ts'

t.test('whether cores are taken while the host goes down, and if not, why', async (t) => {
  t.match(checkCrashes(undefined, true), { verdict: 'good', about: 'crashes' })
  t.match(checkCrashes(undefined, false), { verdict: 'note', says: /lastgasp-cores\.service is not active/ })
  t.match(checkCrashes('no recipient is set', true), { verdict: 'note', says: /no core is taken: no recipient/ })
})
