import type { Reading } from '../daemon/standing/reading.ts'
import { bad, good, note, type Remark } from './remark.ts'

/** What the host is called in keys, and whether the store's environment can be read. */
export function checkHost({ identity, environment, trust }: Reading): readonly Remark[] {
  const { name, problem } = identity
  return [
    problem === undefined ? good('identity', name) : note('identity', `${name}: ${problem}`),
    ...[...environment.problems, ...trust.problems].map((wrong) => bad('environment', wrong)),
  ]
}
