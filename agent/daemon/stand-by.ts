import type { Logger } from 'pino'
import type { Attended } from '../wall/answers.ts'
import type { Collector } from '../wall/collector.ts'
import { sentence } from '../words/cannot.ts'
import { type Clock, systemClock } from '../words/clock.ts'
import { keepTrying } from '../words/keep-trying.ts'
import type { Attendance } from './triggers/shutdown.ts'

/**
 * Attends at the collector, so that applications are held at shutdown and it is heard what logind says. Tries again for as long as the daemon is
 * `idle`; an attendance lasts until `signal` aborts, through the capture too. One that is to be begun anew (`anew`) lets applications go, and
 * holds them again. Never rejects.
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
    const hear = (told: Attended) => {
      if ('waiting' in told) {
        log.warn(
          'another daemon attends at the collector of this host: this one captures nothing as long as that one is there',
        )
        attendance.emit('second', true)
      } else if ('held' in told) {
        held = true
        attendance.emit('second', false)
      } else if (told.shutdown === 'announced') attendance.emit('announced', told.within)
      else attendance.emit('cancelled')
    }
    for (let again = true; again; ) {
      const anew = new AbortController()
      const onAnew = () => anew.abort(new Error('applications are to be held anew'))
      attendance.once('anew', onAnew)
      try {
        await collector.attend(hear, AbortSignal.any([signal, anew.signal]))
      } catch (error) {
        if (anew.signal.aborted || signal.aborted) continue
        if (failures === 0) log.warn(`without the collector, applications are not held: ${sentence(error)}`)
        if (held) attendance.emit('broken')
      } finally {
        attendance.off('anew', onAnew)
        // Whom nobody tells of another one counts for itself.
        if (!signal.aborted) attendance.emit('second', false)
        again = anew.signal.aborted && !signal.aborted
      }
    }
    // One that came about and broke begins a new count: a collector that was started anew is soon there.
    return held
  }
  await keepTrying(idle, attempt, clock)
}
