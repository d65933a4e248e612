import type { Logger } from 'pino'
import type { Collector } from '../wall/collector.ts'
import { sentence } from '../words/cannot.ts'
import { type Clock, systemClock } from '../words/clock.ts'
import { keepTrying } from '../words/keep-trying.ts'
import type { Attendance } from './triggers/shutdown.ts'

/**
 * Attends at the collector, so that applications are held at shutdown. Tries again for as long as the daemon is `idle`;
 * an attendance lasts until `signal` aborts, through the capture too. Never rejects.
 */
export async function keepAttending(
  collector: Pick<Collector, 'attend'>,
  attendance: Attendance,
  log: Pick<Logger, 'warn'>,
  idle: AbortSignal,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<void> {
  const attempt = async (failures: number) => {
    let held = false
    try {
      await collector.attend(() => {
        held = true
      }, signal)
    } catch (error) {
      if (failures === 0) log.warn(`without the collector, applications are not held: ${sentence(error)}`)
      if (held && !signal.aborted) attendance.emit('broken')
    }
    // One that came about and broke begins a new count: a collector that was started anew is soon there.
    return held
  }
  await keepTrying(idle, attempt, clock)
}
