/** What an environment file says: its variables, and what of it is none. */
export interface EnvironmentFile {
  readonly variables: ReadonlyMap<string, string>
  /** Names that no variable can have, as they stand in the file: left out. Never a value, which may be a secret. */
  readonly unusable: readonly string[]
}

/** POSIX, "Environment Variable Definition": what a shell and systemd take for a name. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const BLANKS = ' \t\r\n'

/**
 * Reads the format of systemd.exec(5), EnvironmentFile=, as systemd itself does (src/basic/env-file.c, v254): `#` and `;` begin
 * a comment line, values may be quoted and go on over lines, `\` escapes. Of a name that comes twice the last one holds.
 */
export function parseEnvironmentFile(text: string): EnvironmentFile {
  const variables = new Map<string, string>()
  const unusable: string[] = []
  for (let at = 0; at < text.length; ) {
    const line = lineAt(text, at)
    at = line.end
    if (line.name === undefined) continue
    if (NAME.test(line.name)) variables.set(line.name, line.value)
    else unusable.push(line.name)
  }
  return { variables, unusable }
}

type Line = { readonly end: number; readonly name: undefined } | { end: number; name: string; value: string }

/** The assignment that begins at `at`, and where the next one may begin. No name: an empty line, a comment, or no `=` in it. */
function lineAt(text: string, at: number): Line {
  const newline = /[\n\r]/g
  newline.lastIndex = at
  const stop = newline.exec(text)?.index ?? text.length
  const line = text.slice(at, stop)
  const equals = line.indexOf('=')
  if (equals < 0 || /^[ \t]*[#;]/.test(line)) return { end: stop + 1, name: undefined }
  const { value, end } = valueAt(text, at + equals + 1)
  return { end, name: line.slice(0, equals).trim(), value }
}

/** A value: pieces with and without quotes, one after the other, up to the end of a line that is in none of them. */
function valueAt(text: string, from: number): { readonly value: string; readonly end: number } {
  let value = ''
  let at = from
  while (at < text.length) {
    const char = text[at] as string
    if (char === '\n' || char === '\r') return { value, end: at + 1 }
    const piece =
      char === "'"
        ? single(text, at)
        : char === '"'
          ? double(text, at)
          : BLANKS.includes(char)
            ? undefined
            : bare(text, at)
    value += piece?.value ?? ''
    at = piece?.end ?? at + 1
  }
  return { value, end: at }
}

interface Piece {
  readonly value: string
  readonly end: number
}

/** Verbatim up to the next quote. A quote that is never closed goes to the end of the file, here as there. */
function single(text: string, at: number): Piece {
  const close = text.indexOf("'", at + 1)
  const end = close < 0 ? text.length : close
  return { value: text.slice(at + 1, end), end: end + 1 }
}

function double(text: string, from: number): Piece {
  let value = ''
  let at = from + 1
  for (; at < text.length && text[at] !== '"'; at++) {
    if (text[at] !== '\\') {
      value += text[at]
      continue
    }
    at += 1
    const escaped = text[at] ?? ''
    if ('"\\`$'.includes(escaped)) value += escaped
    else if (escaped !== '\n') value += `\\${escaped}`
  }
  return { value, end: at + 1 }
}

/** To the end of the line, without the blanks before it; here a quote is a character like any other. */
function bare(text: string, from: number): Piece {
  let value = ''
  let kept = 0
  let at = from
  for (; at < text.length && text[at] !== '\n' && text[at] !== '\r'; at++) {
    const escaped = text[at] === '\\'
    if (escaped) at += 1
    const char = text[at] ?? ''
    if (!(escaped && (char === '\n' || char === '\r'))) value += char
    if (escaped || !BLANKS.includes(char)) kept = value.length
  }
  return { value: value.slice(0, kept), end: at }
}
