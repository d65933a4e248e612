import { deepEqual, equal, match, ok } from 'node:assert/strict'
import type { Behaviour } from './link.ts'
import { bootDone, pressPowerButton } from './power.ts'
import type { Context, HostOptions } from './scenario.ts'

/** s. Short, so that what waits for it is soon over. */
const DEADLINE = 20
/** s. What emulation on a busy machine adds to the deadline, before a shutdown counts as hanging. */
const MARGIN = 45

/** Shuts a host down whose store will have none of it: it ends in time, and the console says what happened. */
export async function shutDownWithout(
  { boot, bucket, link, step }: Context,
  host: HostOptions,
  behaviour: Behaviour,
  says: RegExp,
  signal: AbortSignal,
): Promise<void> {
  link.behaviour = behaviour
  await using machine = await boot({ ...host, deadline: DEADLINE })
  await bootDone(machine, signal)
  await pressPowerButton(machine, signal)
  const asked = Date.now()
  const [line] = await machine.console.waitFor(/lastgasp: NO COMPLETE BUNDLE.*/, signal)
  match(line, says)
  step(line)
  equal(await machine.off(signal), 'guest-shutdown')
  const took = (Date.now() - asked) / 1000
  ok(took < DEADLINE + MARGIN, `the shutdown took ${took.toFixed(1)} s with a deadline of ${DEADLINE} s`)
  step(`off after ${took.toFixed(1)} s`)
  await bucket.openForReading(signal)
  deepEqual(await bucket.keys(signal), [])
}
