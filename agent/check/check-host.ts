import { access, constants } from 'node:fs/promises'
import { join } from 'node:path'
import type { Reading } from '../daemon/standing/reading.ts'
import { STATE } from '../daemon/state.ts'
import { sentence } from '../words/cannot.ts'
import { abandonable, within } from '../words/deadline.ts'
import { bad, good, note, type Remark } from './remark.ts'

const STATE_MS = 1_000

/** Whether anything can be remembered from boot to boot. */
export async function checkState(root: string, signal: AbortSignal): Promise<Remark> {
  const lack = 'nothing is remembered from boot to boot: of the boot before only its journal and pstore tell'
  try {
    await abandonable(access(join(root, STATE), constants.W_OK), within(STATE_MS, signal))
    return good('state', STATE)
  } catch (error) {
    signal.throwIfAborted()
    return note('state', `${lack} (${sentence(error)})`)
  }
}

/** What the host is called in keys, and whether the store's environment can be read. */
export function checkHost({ identity, environment, trust }: Reading): readonly Remark[] {
  const { name, problem } = identity
  return [
    problem === undefined ? good('identity', name) : note('identity', `${name}: ${problem}`),
    ...[...environment.problems, ...trust.problems].map((wrong) => bad('environment', wrong)),
  ]
}
