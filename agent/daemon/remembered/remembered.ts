import { isBundleId } from '../../bundle/keys.ts'
import { BOOT_ID, MARK, MOST_MARKS } from '../../words/evidence.ts'

/** What the daemon remembers from boot to boot, as REMEMBERED.md has it. */
export interface Remembered {
  /** Whose it is: an image may bring what another host remembered. 32 hex digits. */
  readonly machine: string
  /** The boot in which it was written last. */
  readonly boot: Life
  /** The one before it, as long as that is not dealt with. */
  readonly before?: Life
  /** Marks of what was stored, the latest last. */
  readonly stored: readonly string[]
}

/** A boot of the host, as far as the daemon was there. */
export interface Life {
  /** 32 hex digits */
  readonly id: string
  /** Whether its end was captured: the closing manifest is stored. */
  readonly captured: boolean
  /** The bundle that was begun for its end. */
  readonly bundle?: string
}

const VERSION = 1
/** 1,000 marks are 19 KiB. */
export const REMEMBERED_BYTES = 64 * 1024

export function writeRemembered({ machine, boot, before, stored }: Remembered): string {
  const kept = stored.slice(-MOST_MARKS)
  return `${JSON.stringify({ version: VERSION, machine, boot, ...(before && { before }), stored: kept })}\n`
}

/** Throws where it is none: what was damaged is believed in nothing. */
export function readRemembered(text: string): Remembered {
  const { version, machine, boot, before, stored } = object(JSON.parse(text), 'it')
  must(version === VERSION, 'version')
  must(typeof machine === 'string' && BOOT_ID.test(machine), 'machine')
  must(Array.isArray(stored) && stored.length <= MOST_MARKS && stored.every(isMark), 'stored')
  const earlier = before === undefined ? {} : { before: lifeOf(before, 'before') }
  return { machine, boot: lifeOf(boot, 'boot'), ...earlier, stored }
}

function lifeOf(value: unknown, what: string): Life {
  const { id, captured, bundle } = object(value, what)
  must(typeof id === 'string' && BOOT_ID.test(id), `${what}.id`)
  must(typeof captured === 'boolean', `${what}.captured`)
  must(bundle === undefined || (typeof bundle === 'string' && isBundleId(bundle)), `${what}.bundle`)
  return { id, captured, ...(bundle !== undefined && { bundle }) }
}

const isMark = (value: unknown): value is string => typeof value === 'string' && MARK.test(value)

function object(value: unknown, what: string): Readonly<Record<string, unknown>> {
  must(typeof value === 'object' && value !== null && !Array.isArray(value), what)
  return value as Readonly<Record<string, unknown>>
}

function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`its ${what} is not as REMEMBERED.md has it`)
}
