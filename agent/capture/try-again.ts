import { LEAST_MS } from '../plan/budget.ts'
import { pause } from '../words/clock.ts'
import type { Queue } from './queue.ts'
import type { Sessions } from './sessions.ts'
import type { Takes } from './takes.ts'
import type { Time } from './time.ts'

/** Of what is left, for sources that are asked again: the rest is for what they have. */
const LOOK_SHARE = 1 / 4

/**
 * What failed for want of time, or of descriptors, or because somebody died, is tried again while time is left: sources that could not be
 * asked, artifacts of which nothing came. Applications have been let go by now, and give back what they held.
 */
export async function tryAgain(sessions: Sessions, queue: Queue, takes: Takes, time: Time): Promise<void> {
  const end = AbortSignal.any([time.cut, time.sending.signal])
  for (const ms of time.budget.pauses) {
    // Whether something has failed is known when it is stored; what comes up meanwhile does not wait for that.
    await takes.all(end, takes.stored(end))
    if (sessions.missing.size === 0 && !queue.hasFailed) return
    if (time.room.all - ms < LEAST_MS) return
    await pause(ms, time.clock, end)
    if (end.aborted) return
    await sessions.lookAgain(sessions.missing.union(queue.unanswered), time.room.all * LOOK_SHARE)
    queue.tryAgain()
    await takes.all(end)
  }
}
