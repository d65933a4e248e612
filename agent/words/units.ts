/** A number with a unit of time, as settings and the command line spell it: `90s`, `1.5h`. */
export const DURATION = /^\d{1,12}(\.\d{1,6})?(ms|s|min|h|d)$/
/** A number with a binary unit (IEC 80000-13), as settings and the command line spell it: `64MiB`, `512B`. */
export const SIZE = /^\d{1,12}(\.\d{1,6})?(B|KiB|MiB|GiB|TiB)$/

const MILLISECONDS = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 }
const BYTES = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 }
type Units = Readonly<Record<string, number>>

/** Milliseconds of `90s`, `1500ms`, `5min`, `1.5h`, `14d`; throws an error that says what to write. */
export function parseDuration(text: string): number {
  return parse(text, DURATION, MILLISECONDS, `a duration such as "90s" (units ${Object.keys(MILLISECONDS).join(', ')})`)
}

/** Bytes of `64MiB`, `16GiB`, `512B`; throws an error that says what to write. */
export function parseBytes(text: string): number {
  return parse(text, SIZE, BYTES, `a size such as "64MiB" (units ${Object.keys(BYTES).join(', ')})`)
}

/**
 * Milliseconds for people, to three digits: `90s`, `5min`, `83.5s`. What settings spell with a few digits comes back
 * as it was worth, and `parseDuration` reads it.
 */
export function formatDuration(milliseconds: number): string {
  const ms = Math.max(0, milliseconds)
  // A unit is worth using from two of it on: 90 seconds, not 1.5 minutes.
  return format(ms, MILLISECONDS, (unit, worth) => ms >= (unit === 's' ? worth : 2 * worth), 'ms')
}

/** Bytes for people, to three digits: `64MiB`, `1.18GiB`; `parseBytes` reads it. */
export function formatBytes(bytes: number): string {
  const count = Math.max(0, bytes)
  return format(count, BYTES, (_unit, worth) => count >= worth, 'B')
}

function parse(text: string, shape: RegExp, units: Units, expected: string): number {
  const unit = shape.exec(text)?.[2]
  const worth = unit === undefined ? undefined : units[unit]
  if (worth === undefined) throw new Error(`expected ${expected}, found ${JSON.stringify(text)}`)
  return Math.round(Number.parseFloat(text) * worth)
}

function format(value: number, units: Units, fits: (unit: string, worth: number) => boolean, smallest: string): string {
  const [unit, worth] = Object.entries(units).findLast(([name, size]) => fits(name, size)) ?? [smallest, 1]
  const count = value / worth
  const digits = worth === 1 || count >= 100 ? 0 : count >= 10 ? 1 : 2
  return `${Number(count.toFixed(digits))}${unit}`
}
