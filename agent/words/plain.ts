import { normalize } from 'node:path'

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
 * A name that is taken from what somebody else wrote: what is not plain is escaped, or shown as `?`. What could not be read as UTF-8 is `?`
 * and no more: the kernel cuts a process's name at 15 bytes, in the middle of a letter.
 */
export function plainName(name: string): string {
  const text = name.replaceAll('\ufffd', '?')
  return isPlain(text) ? text : printable(text).replace(/[^\x20-\x7e]/g, '?')
}

/** Whether a text has nothing in it that drives a terminal, ends a line, turns a line round or is not seen at all. */
export const isPlain = (text: string): boolean => !STRANGE.test(text)

/** Control characters, those of formatting (bidirectional ones too), halves of characters, ends of lines, and what UTF-8 could not be read as. */
const STRANGE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufffd]/u

/** Text without control characters, which become `\xNN`: what a process calls itself must not drive a terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
