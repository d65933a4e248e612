import { setTimeout as sleep } from 'node:timers/promises'
import { message } from '../wall/wire.ts'
import { aborted } from '../words/deadline.ts'
import type { Answer } from './answer.ts'
import type { Desk } from './desk.ts'

/** Holds applications for as long as the daemon's connection lasts. */
export async function attend(desk: Desk, answer: Answer, signal: AbortSignal): Promise<void> {
  desk.attending += 1
  try {
    await answer.send(message('item', { held: await acquired(desk, signal) }))
    await aborted(signal)
  } finally {
    desk.attending -= 1
    // A daemon that died must not keep the applications of a host that goes down.
    if (desk.attending === 0) desk.hold?.release()
  }
}

/** Somebody may look at the lock with flock(1) at this very moment: tried again for a while. */
async function acquired({ hold }: Desk, signal: AbortSignal): Promise<boolean> {
  for (let tries = 0; hold !== undefined && !hold.acquire() && tries < LOCK_TRIES; tries++)
    await sleep(LOCK_PAUSE_MS, undefined, { signal })
  return hold?.held ?? false
}

const LOCK_TRIES = 50
const LOCK_PAUSE_MS = 20
