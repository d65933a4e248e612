import type { Stopping } from '../wall/answers.ts'
import { cannot } from '../words/cannot.ts'
import { within } from '../words/deadline.ts'
import { askJobs, managerAt } from './host/manager.ts'

/** systemd answers in some ms; on a host short of memory it took 41 s, and then nobody waits for it. */
const ASK_MS = 5_000

/** What can crash when it is stopped. Mounts, swaps and devices have no processes. */
const HAS_PROCESSES = /\.(service|scope)$/
/** Our own units: they are being stopped for as long as a capture runs. */
const OURS = /^lastgasp[\w-]*\.service$/
const HOLD = 'lastgasp-hold.service'

/**
 * Who else is being stopped, as systemd says. A job that waits is none of these: network, D-Bus and the collector wait for us, and before the hold
 * has let go everybody does. Throws where systemd does not answer. `uid` is who asks.
 */
export async function askStopping(root: string, uid: number, signal: AbortSignal): Promise<Stopping> {
  try {
    const jobs = await askJobs(root, uid, within(ASK_MS, signal))
    const stops = jobs.filter(({ type }) => type === 'stop')
    const running = stops.filter(
      ({ unit, state }) => state === 'running' && HAS_PROCESSES.test(unit) && !OURS.test(unit),
    )
    return { running: running.length, held: stops.some(({ unit }) => unit === HOLD) }
  } catch (error) {
    throw cannot(`ask systemd at ${managerAt(root, uid)} for its jobs`, error)
  }
}
