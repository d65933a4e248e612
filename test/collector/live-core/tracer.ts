import { openFullCore } from '../../../agent/collector/live-core/full-core.ts'
import { takeStackCore } from '../../../agent/collector/live-core/stack-core.ts'
import { allTaken } from '../../streams/poisoned.ts'
import { limits, never, system, targetOf } from './patients.ts'

// Takes one core after the other of the process whose pid is its argument, until it is killed.
const target = targetOf(Number(process.argv[2]))
await takeStackCore(target, limits, system, never)
process.stdout.write('ready\n')
for (;;) {
  await takeStackCore(target, limits, system, never)
  for (const freeze of ['whole', 'registers'] as const) {
    await using reading = await openFullCore(target, freeze, limits, system, never)
    for await (const _ of allTaken(reading.chunks));
  }
}
