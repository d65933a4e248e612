/** Control and format characters, ends of lines, halves of characters (Unicode, UAX #44): what is not text to a reader. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** Nearly every text there is: some 20 items a millisecond are looked at. */
const PLAIN = /^[\x20-\x7e]*$/

/** A text that came from elsewhere, at most `most` characters of it, in which all can be seen: what cannot is `\u{…}`. */
export function tellable(text: string, most: number): string {
  if (text.length <= most && PLAIN.test(text)) return text
  const shown = text.slice(0, most + 1).replace(UNSEEN, (one) => `\\u{${one.codePointAt(0)?.toString(16)}}`)
  return shown.length <= most ? shown : `${shown.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')}…`
}
