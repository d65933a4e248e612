import type { Logger } from 'pino'
import { drain, isEmpty, tidy } from '../spool/drain.ts'
import { spoolRoom } from '../spool/keeper.ts'
import type { Place } from '../spool/place.ts'
import { sentence } from '../words/cannot.ts'
import { type Clock, pause, systemClock } from '../words/clock.ts'
import { countOf } from '../words/count-of.ts'
import { abandonable, within } from '../words/deadline.ts'
import { keepTrying } from '../words/keep-trying.ts'
import type { Standing } from './standing/standing.ts'

/** How often to look for what a capture has kept while the host lives on, or for what the store refused before, ms. */
const LOOK_MS = 5 * 60_000

/** statfs and a few names: a disk that takes longer hangs. */
const ROOM_MS = 10_000

/**
 * Brings to the store what earlier captures have kept on the disk, for as long as the daemon is `idle`: a capture of a host that goes
 * waits for nothing of it. Never rejects.
 */
export async function keepDraining(
  place: Place,
  standing: Pick<Standing, 'lease' | 'spool'>,
  log: Pick<Logger, 'info' | 'warn'>,
  idle: AbortSignal,
  clock: Clock = systemClock,
): Promise<void> {
  await tidy(place, idle).catch(() => {})
  const room = await spoolRoom(place, standing.spool, within(ROOM_MS, idle, clock)).catch((error: Error) => error)
  if (room instanceof Error && !idle.aborted)
    log.warn(`where the store is out of reach, nothing is kept: ${sentence(room)}`)
  let told: string | undefined
  const tell = (problem: string | undefined) => {
    if (problem !== undefined && problem !== told) log.warn(problem)
    told = problem
  }
  const attempt = async () => {
    if (await isEmpty(place, idle).catch(() => true)) {
      await pause(LOOK_MS, clock, idle)
      return true
    }
    const lease = standing.lease()
    try {
      if (lease.store instanceof Error) return false
      const { url } = lease.store
      const { stored, left, because } = await abandonable(drain(place, lease.store, {}, idle), idle)
      if (stored > 0) log.info(`${countOf(stored, 'object')} that had been kept in the spool went to ${url}`)
      tell(left === 0 ? undefined : `${countOf(left, 'object')} in the spool cannot go to ${url}: ${because}`)
      if (left > 0) await pause(LOOK_MS, clock, idle)
      return true
    } catch (error) {
      if (!idle.aborted) tell(`what lies in the spool has to wait: ${sentence(error)}`)
      return false
    } finally {
      void lease[Symbol.asyncDispose]()
    }
  }
  await keepTrying(idle, attempt, clock)
}
