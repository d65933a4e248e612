import { carriedOver } from '../settings/carry-over.ts'
import type { Loaded } from '../settings/layers.ts'
import { abandonable, within } from '../words/deadline.ts'
import type { Desk } from './desk.ts'

/** What is read again at a trigger is read within this time, ms: a host that goes has other things to do. */
const RENEW_MS = 250

/**
 * Reads the settings again for a capture that begins, so that what was written since our start counts without a reload. What
 * cannot be read in time leaves those of the last reading in force.
 */
export async function renewSettings(desk: Desk, signal: AbortSignal): Promise<void> {
  const limit = within(RENEW_MS, signal)
  const loaded = await abandonable(desk.reload(limit), limit).catch(() => undefined)
  if (loaded !== undefined && !limit.aborted) heed(loaded, desk)
}

/** These settings are in force from now on, as far as they are better than those before. */
export function heed(loaded: Loaded, desk: Desk): void {
  desk.loaded = carriedOver(loaded, desk.loaded)
  desk.intake?.arm()
}
