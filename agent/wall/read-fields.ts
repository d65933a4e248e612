import { cannot } from '../words/cannot.ts'

export type Json = Readonly<Record<string, unknown>>

/** A number of something: finite, and not below nothing. */
export const isSize = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0

/** Bytes as a document holds them: a file of holes may be longer than a number can count. */
export const whole = (size: number) => Math.min(Math.round(size), Number.MAX_SAFE_INTEGER)

/** An object. Throws for anything else. */
export function record(value: unknown, what: string): Json {
  must(typeof value === 'object' && value !== null && !Array.isArray(value), what)
  return value as Json
}

/** Throws that the collector has broken the protocol. */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw cannot('trust the collector', `its ${what} is not as the protocol has it`)
}
