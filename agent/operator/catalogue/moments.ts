import { cannot } from '../../words/cannot.ts'
import { isoSecond, isoTime } from '../../words/instant.ts'
import { DURATION, parseDuration } from '../../words/units.ts'

/**
 * What a person means by `--since` and `--until`, in ms since the epoch: a duration before `now` (`30min`, `6h`,
 * `2d`), a day (`2026-10-12`, from its beginning) or an instant in ISO 8601; UTC where no zone is given.
 */
export function moment(text: string, now: number): number {
  if (DURATION.test(text)) return now - parseDuration(text)
  const iso = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/.exec(text)
  const zoned = iso?.[1] === undefined || iso[4] !== undefined ? text : `${text}Z`
  const at = iso === null ? Number.NaN : Date.parse(zoned.replace(' ', 'T'))
  if (Number.isNaN(at)) {
    throw cannot(`read the time "${text}"`, 'give something like 30min, 6h, 2d, 2026-10-12 or 2026-10-12T03:00Z')
  }
  return at
}

/** An instant as people read it, in UTC to the second; `?` for what is none. */
export function instant(at: number | undefined): string {
  return isoSecond(at)?.replace('T', ' ').replace('Z', ' UTC') ?? '?'
}

/** The day (UTC, `YYYY-MM-DD`) of an instant; before or after all calendars, the first or the last that there is. */
export function dayOf(at: number): string {
  return isoTime(at)?.slice(0, 10) ?? (at > 0 ? '9999-12-31' : '0000-01-01')
}
