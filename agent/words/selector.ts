import { cannot } from './cannot.ts'

/** Which processes are meant. One syntax wherever settings name processes. */
export type Selector =
  | { readonly kind: 'services' }
  | { readonly kind: 'failed' }
  | { readonly kind: 'largest'; readonly count: number }
  | { readonly kind: 'pid'; readonly pid: number }
  | { readonly kind: 'unit'; readonly matches: RegExp }
  | { readonly kind: 'exe'; readonly matches: RegExp }

/** For the published schema; `parseSelector` says what is wrong with what does not match. */
export const SELECTOR = /^(services|failed|largest:\d{1,3}|pid:\d{1,7}|unit:\S+|exe:\/.*)$/

/** Told with every error. */
export const SELECTOR_FORMS = '"services", "failed", "largest:3", "unit:nginx*", "exe:/usr/bin/app" or "pid:4711"'

/** PID_MAX_LIMIT of a 64-bit kernel: include/linux/threads.h. */
const MOST_PID = 4 * 1024 * 1024

/** Reads a selector. `*` stands for any characters, slashes too, and `?` for one, as in systemctl(1). Throws what is wrong. */
export function parseSelector(text: string): Selector {
  const colon = text.indexOf(':')
  const [kind, rest] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)]
  if ((kind === 'services' || kind === 'failed') && colon < 0) return { kind }
  if (kind === 'largest') return { kind, count: number(text, rest, 999) }
  if (kind === 'pid') return { kind, pid: number(text, rest, MOST_PID) }
  if (kind === 'unit' && rest !== '') return { kind, matches: glob(unitPattern(rest)) }
  if (kind === 'exe' && rest.startsWith('/')) return { kind, matches: glob(rest) }
  if (kind === 'exe') throw cannot(`read the selector ${JSON.stringify(text)}`, 'exe: takes an absolute path')
  throw cannot(`read the selector ${JSON.stringify(text)}`, `expected ${SELECTOR_FORMS}`)
}

/** A name without a type is a service, as for systemctl. */
function unitPattern(pattern: string): string {
  return /[*?]|\.(service|scope)$/.test(pattern) ? pattern : `${pattern}.service`
}

function number(text: string, digits: string, most: number): number {
  const value = /^\d+$/.test(digits) ? Number(digits) : 0
  if (value >= 1 && value <= most) return value
  throw cannot(`read the selector ${JSON.stringify(text)}`, `expected a whole number from 1 to ${most} after the colon`)
}

function glob(pattern: string): RegExp {
  const source = pattern
    .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.')
  return new RegExp(`^${source}$`, 's')
}
