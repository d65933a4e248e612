import t from 'tap'
import { killRounds } from './kill-rounds.ts'
import { traced, without } from './patients.ts'

// The long version of kill.test.ts, some minutes: node test/collector/live-core/kill-200.ts
t.setTimeout(3_600_000)

t.test('SIGKILL to the tracer at 200 random moments', { skip: traced.skip || without('gcc') }, async (t) => {
  await killRounds(t, 200)
  t.pass('the patient lives')
})
