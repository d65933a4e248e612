import { INDEX_PREFIX } from '../../bundle/keys.ts'
import type { Archive } from '../../store/store.ts'
import { dayOf } from './moments.ts'

/** How far the clocks of hosts err, in ms, while they still go: one that is set to local time is up to 14 hours off. */
export const CLOCK_ERROR = 86_400_000
/**
 * No capture is older than lastgasp is. A host that says so has lost its clock: then it is 1970, or the day on which its systemd was
 * built (systemd(1), "System clock epoch").
 */
const FIRST_DAY = '2026-01-01'
/** Days on which no bundle can have begun and that are looked at all the same, a request each: hosts without a clock are few. */
const MOST_ODD = 32

/** The days (`YYYY-MM-DD`) that the index has, newest first. They are the hosts' word. */
export async function indexedDays(archive: Archive, signal: AbortSignal): Promise<string[]> {
  const days: string[] = []
  for await (const folder of archive.folders(INDEX_PREFIX, signal)) {
    const day = /dt=(\d{4}-\d\d-\d\d)\/$/.exec(folder)?.[1]
    if (day !== undefined && isOnCalendar(day)) days.push(day)
  }
  return days.sort().reverse()
}

function isOnCalendar(day: string): boolean {
  const at = Date.parse(`${day}T00:00Z`)
  return !Number.isNaN(at) && dayOf(at) === day
}

/** Whether no bundle can have begun on a day, whatever clocks err. */
export function isOdd(day: string, now: number): boolean {
  return day < FIRST_DAY || day > dayOf(now + CLOCK_ERROR)
}

/** The days of one kind and of the other, and the odd ones that are not looked at because they are too many. */
export function sortedOut(days: readonly string[], now: number) {
  const odd = days.filter((day) => isOdd(day, now))
  return {
    even: days.filter((day) => !isOdd(day, now)),
    odd: odd.length > MOST_ODD ? [] : odd,
    left: odd.length > MOST_ODD ? odd : [],
  }
}
