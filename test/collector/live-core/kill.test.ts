import t from 'tap'
import { killRounds } from './kill-rounds.ts'
import { traced, without } from './patients.ts'

t.setTimeout(300_000)

t.test('SIGKILL to the tracer at 20 random moments', { skip: traced.skip || without('gcc') }, async (t) => {
  await killRounds(t, 20)
  t.pass('the patient lives')
})
