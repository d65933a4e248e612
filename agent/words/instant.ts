/** The years that ISO 8601 writes with four digits, 0000 to 9999, in ms since the epoch: RFC 3339, 5.6. */
const FIRST_MS = -62_167_219_200_000
const LAST_MS = 253_402_300_799_999

/** Stands where a document must have a time, and there is none: the epoch. */
export const NO_TIME = '1970-01-01T00:00:00.000Z'

/**
 * An instant (ms since the epoch) in ISO 8601, UTC: `2026-11-30T14:06:26.000Z`. Undefined for what no calendar has: what a host, a
 * file or a damaged header says may be any number, and `Date` throws at some of them. Nothing else makes text of times.
 */
export function isoTime(at: number | undefined): string | undefined {
  return isOnCalendar(at) ? new Date(at).toISOString() : undefined
}

/** Whether a number is an instant that can be written. */
export function isOnCalendar(at: number | undefined): at is number {
  return at !== undefined && at >= FIRST_MS && at <= LAST_MS
}

/** The same to the second: `2026-11-30T14:06:26Z`. */
export function isoSecond(at: number | undefined): string | undefined {
  return isoTime(at)?.replace(/\.\d+/, '')
}
