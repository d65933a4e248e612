import { normalize } from 'node:path'
import { printable } from './printable.ts'

/** PATH_MAX of Linux's limits.h. */
const PATH_BYTES = 4096

/**
 * A path that is taken from what somebody else wrote: absolute, normalised, and of nothing but characters that one can see
 * and the blank. Undefined for any other text.
 */
export function plainPath(text: string | undefined): string | undefined {
  if (text === undefined || !text.startsWith('/') || text.endsWith('/') || normalize(text) !== text) return undefined
  return Buffer.byteLength(text) < PATH_BYTES && isPlain(text) ? text : undefined
}

/**
 * A name that is taken from what somebody else wrote, in which all can be seen. What could not be read as UTF-8 is `?` and no more:
 * the kernel cuts a process's name at 15 bytes, in the middle of a letter.
 */
export const plainName = (name: string): string => printable(name.replaceAll('\ufffd', '?'))

/** Whether a text has nothing in it that drives a terminal, ends a line, turns a line round, is not seen at all or could not be read as UTF-8. */
export const isPlain = (text: string): boolean => !text.includes('\ufffd') && printable(text) === text
