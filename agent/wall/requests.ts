import type { Before, Occasion, Trigger } from '../words/evidence.ts'
import { BOOT_ID, MARK, MOST_MARKS, TRIGGERS } from '../words/evidence.ts'
import { tellable } from '../words/printable.ts'
import { isSize, type Json } from './read-fields.ts'
import { Refusal } from './refusal.ts'
import { WALL_VERSION } from './wire.ts'

/** What the daemon asks for, as PROTOCOL.md has it. Times are ms. */
export type Request =
  | { readonly do: 'open'; readonly occasion: Occasion; readonly within: number }
  | { readonly do: 'take'; readonly session: string; readonly id: string; readonly limit: number }
  | { readonly do: 'watch'; readonly session: string }
  | { readonly do: 'findings'; readonly session: string; readonly within: number }
  | { readonly do: 'release' | 'attend' | 'why' | 'stopping' | 'reload' | 'health' }

/** A request to do this. */
export type RequestTo<Do extends Request['do']> = Extract<Request, { readonly do: Do }>

/** ms: the longest that a daemon may allow, which is as long as a capture can be (settings/schema.ts). */
export const LONGEST_MS = 30 * 60_000
/** Characters of an item's id; that of a listed item is no longer. */
export const ID_LENGTH = 512
/** What names a session: 16 hex digits at random, so that a collector that was started anew knows none of an earlier one. */
const SESSION = /^[0-9a-f]{16}$/

export const isSession = (value: unknown): value is string => typeof value === 'string' && SESSION.test(value)

/** A request, field by field. Throws a Refusal that says what it is not. */
export function readRequest(json: Json): Request {
  if (json.v !== WALL_VERSION) throw refused(json.v, `a version that this collector speaks, which is ${WALL_VERSION}`)
  switch (json.do) {
    case 'open':
      return { do: json.do, occasion: occasionOf(json.occasion), within: timeOf(json.within) }
    case 'take':
      return { do: json.do, session: sessionOf(json.session), id: idOf(json.id), limit: limitOf(json.limit) }
    case 'watch':
      return { do: json.do, session: sessionOf(json.session) }
    case 'findings':
      return { do: json.do, session: sessionOf(json.session), within: timeOf(json.within) }
    case 'release':
    case 'attend':
    case 'why':
    case 'stopping':
    case 'reload':
    case 'health':
      return { do: json.do }
    default:
      throw refused(json.do, 'a request')
  }
}

function occasionOf(value: unknown): Occasion {
  const { trigger, boot, before } = (typeof value === 'object' && value !== null ? value : {}) as Json
  if (!TRIGGERS.some((one) => one === trigger)) throw refused(trigger, 'a trigger')
  if (boot !== 'this' && boot !== 'previous') throw refused(boot, 'a boot')
  return { trigger: trigger as Trigger, boot, ...(before !== undefined && { before: beforeOf(before) }) }
}

function beforeOf(value: unknown): Before {
  const { id, captured, stored } = (typeof value === 'object' && value !== null ? value : {}) as Json
  if (typeof id !== 'string' || !BOOT_ID.test(id)) throw refused(id, "a boot's id")
  if (typeof captured !== 'boolean') throw refused(captured, 'whether its end was captured')
  if (!Array.isArray(stored) || stored.length > MOST_MARKS || !stored.every(isMark))
    throw refused(stored, `a list of at most ${MOST_MARKS} marks`)
  return { id, captured, stored }
}

const isMark = (value: unknown): value is string => typeof value === 'string' && MARK.test(value)

function timeOf(value: unknown): number {
  if (isSize(value) && value <= LONGEST_MS) return value
  throw refused(value, `a time in ms, 0 to ${LONGEST_MS}`)
}

function sessionOf(value: unknown): string {
  if (isSession(value)) return value
  throw refused(value, 'a session')
}

function idOf(value: unknown): string {
  if (typeof value === 'string' && value.length <= ID_LENGTH) return value
  throw refused(value, 'an id')
}

function limitOf(value: unknown): number {
  if (isSize(value)) return value
  throw refused(value, 'a size in bytes')
}

/** Characters of what came in place of what was wanted. */
const TOLD = 80

function refused(value: unknown, wanted: string): Refusal {
  const told = typeof value === 'object' ? 'something' : (JSON.stringify(value) ?? 'nothing')
  return new Refusal('collector', `cannot answer: ${tellable(told, TOLD)} is not ${wanted}`)
}
