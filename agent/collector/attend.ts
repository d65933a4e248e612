import { setTimeout as sleep } from 'node:timers/promises'
import { message } from '../wall/wire.ts'
import { abandonable, aborted } from '../words/deadline.ts'
import type { Answer } from './answer.ts'
import type { Desk } from './desk.ts'
import type { Announced } from './host/logind.ts'

/** Holds applications for as long as the daemon's connection lasts, and tells it what logind says of the host. A second daemon waits for its turn. */
export async function attend(desk: Desk, answer: Answer, signal: AbortSignal): Promise<void> {
  const { announcement } = desk
  const told = new AbortController()
  const tell = (announced: Announced | undefined) => {
    answer.send(said(announced)).catch(() => told.abort())
  }
  const place = desk.attendants.join()
  let holds = false
  try {
    if (!place.isFirst) {
      await answer.send(message('item', { waiting: true }))
      await abandonable(place.turn, signal)
    }
    holds = true
    await answer.send(message('item', { held: await acquired(desk, signal) }))
    announcement.on('changed', tell)
    if (announcement.announced !== undefined) tell(announcement.announced)
    await aborted(AbortSignal.any([signal, told.signal]))
  } finally {
    announcement.off('changed', tell)
    // A daemon that died must not keep the applications of a host that goes down.
    if (holds) desk.hold?.release()
    place.leave()
  }
}

const said = (announced: Announced | undefined): Buffer =>
  message('item', announced === undefined ? { shutdown: 'cancelled' } : { shutdown: 'announced', ...announced })

/** Somebody may look at the lock with flock(1) at this very moment: tried again for a while. */
async function acquired(desk: Desk, signal: AbortSignal): Promise<boolean> {
  const { hold } = desk
  // Whoever holds anew has another shutdown before it.
  if (hold?.held === false) desk.vitals = undefined
  for (let tries = 0; hold !== undefined && !hold.acquire() && tries < LOCK_TRIES; tries++)
    await sleep(LOCK_PAUSE_MS, undefined, { signal })
  return hold?.held ?? false
}

const LOCK_TRIES = 50
const LOCK_PAUSE_MS = 20
