/** Control and format characters, line and paragraph separators, lone surrogates: what a terminal may act on (Unicode, UAX #44). */
export const CONTROL = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/**
 * What a bundle says is printed on an operator's terminal: control characters (escape sequences among them), line
 * and paragraph separators, bidirectional overrides and lone surrogates become `\u{…}`, so that no host can write
 * on that terminal anything but text.
 */
export function printable(text: string): string {
  return text.replace(CONTROL, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`)
}

/** A text as one word of a shell command (bash, zsh), safe to paste whatever is in it. */
export function shellWord(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text
  if (printable(text) === text) return `'${text.replaceAll("'", "'\\''")}'`
  const bytes = Array.from(Buffer.from(text), (b) => `\\x${b.toString(16).padStart(2, '0')}`)
  return `$'${bytes.join('')}'`
}
