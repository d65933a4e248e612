import type { Collector } from '../wall/collector.ts'
import { pause } from '../words/clock.ts'
import { abandonable, within } from '../words/deadline.ts'
import type { Time } from './time.ts'

/** ms between two questions: at first, and at most. */
const SOON_MS = 25
const CALM_MS = 500
/** Of the time that it has taken so far: so much later than the others are we, at most. */
const RHYTHM = 1 / 20
/** So often in a row nobody is being stopped, and ms in between: systemd takes one job off its list before it begins those that waited for it. */
const QUIET = 2
const AGAIN_MS = 10

/**
 * Until nobody else is being stopped any more who may crash, as far as systemd says so in time; or until there is no time for what might
 * come of it. Asked from the moment when applications are let go, so that at the end of a healthy shutdown the answer is known. Never rejects.
 */
export async function othersStopped(collector: Pick<Collector, 'stopping'>, time: Time): Promise<void> {
  const { clock, cut } = time
  const end = AbortSignal.any([cut, time.window.signal])
  const began = clock.now()
  let spared = 0
  for (let quiet = 0; quiet < QUIET && !end.aborted; ) {
    const limit = within(time.budget.why, end, clock)
    const answer = await abandonable(collector.stopping(limit), limit).catch(() => undefined)
    // Who does not answer has other things to do, and is not waited for; who has answered is asked once more.
    if (answer === undefined && --spared < 0) return
    if (answer !== undefined) spared = 1
    quiet = answer?.running === 0 && !answer.held ? quiet + 1 : 0
    const rhythm = Math.min(CALM_MS, Math.max(SOON_MS, (clock.now() - began) * RHYTHM))
    if (quiet < QUIET) await pause(quiet > 0 ? AGAIN_MS : rhythm, clock, end)
  }
}
