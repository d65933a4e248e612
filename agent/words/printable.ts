/** Control and format characters, ends of lines, halves of characters (Unicode, UAX #44): what a terminal may act on, and no reader sees. */
export const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** Nearly every text there is: some 20 items a millisecond are looked at. */
const PLAIN = /^[\x20-\x7e]*$/

/**
 * A text that somebody else wrote (a process's name, what a bundle says), in which all can be seen: control characters, escape
 * sequences among them, line and paragraph separators, bidirectional overrides and lone surrogates become `\u{…}`, so that nobody
 * can write on a terminal or into a table anything but text.
 */
export function printable(text: string): string {
  return PLAIN.test(text) ? text : text.replace(UNSEEN, (one) => `\\u{${one.codePointAt(0)?.toString(16)}}`)
}

/** The same, of at most `most` characters. */
export function tellable(text: string, most: number): string {
  const shown = printable(text.slice(0, most + 1))
  return shown.length <= most ? shown : `${shown.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')}…`
}
