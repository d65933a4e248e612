import type { CorePattern } from '../../crashed-cores/core-pattern.ts'
import type { Finds } from '../../crashed-cores/find.ts'

/** Whether cores go to systemd-coredump, whose files are found by their names. */
export const isSystemd = (pattern: CorePattern): boolean =>
  pattern.kind === 'handler' && pattern.text.includes('systemd-coredump')

/** Where cores go, if that is nowhere that is looked at: to be appended to "cores go"; else empty. */
export function elsewhere(pattern: CorePattern): string {
  if (pattern.kind === 'directory' || isSystemd(pattern)) return ''
  const place = pattern.kind === 'handler' ? 'to a handler of its own' : "into the process's own directory"
  return ` ${place}, where nobody looks (core_pattern "${pattern.text}")`
}

/** The receipt's sentence when there is no core: where was looked, and where cores might be all the same. */
export function nothingCrashed({ looked, missing }: Finds, pattern: CorePattern): string {
  const places = [...looked, ...missing.map((directory) => `${directory} (which does not exist)`)]
  const elsewhereToo = elsewhere(pattern)
  const also = elsewhereToo === '' ? '' : `; cores go${elsewhereToo}`
  return `no core was found: looked in ${places.join(', ') || 'no directory'}${also}`
}
