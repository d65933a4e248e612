import { parse } from 'smol-toml'

/** Counted from 1, as editors do; columns in UTF-16 units. */
export interface Position {
  readonly line: number
  readonly column: number
}

export type Path = readonly PropertyKey[]

/**
 * Where `path` (keys, and indices into arrays) stands in a TOML text: its key, or its value. The text must have
 * parsed: this reads the structure of TOML 1.1 and checks nothing. What cannot be found (the inside of arrays of
 * tables, which no setting is) is placed at the nearest table around it, else undefined.
 */
export function locate(text: string, path: Path, part: 'key' | 'value'): Position | undefined {
  const scan: Scan = { text, path, part, at: 0, reached: 0, found: undefined }
  let table: Depth = 0
  for (space(scan); scan.at < text.length && scan.reached <= path.length; space(scan)) {
    if (text[scan.at] !== '[') {
      pair(scan, table)
      continue
    }
    const list = text[scan.at + 1] === '['
    scan.at += list ? 2 : 1
    table = key(scan, 0)
    scan.at += list ? 2 : 1
    if (list) table = OFF
  }
  return scan.found === undefined ? undefined : position(text, scan.found)
}

interface Scan {
  readonly text: string
  readonly path: Path
  readonly part: 'key' | 'value'
  at: number
  /** Longest start of `path` met so far; one more than its length when the very thing is found. */
  reached: number
  found: number | undefined
}

/** How many segments of the path lead to the table the scan is in, or OFF where it is no table on the path. */
type Depth = number
const OFF: Depth = -1

function meet(scan: Scan, depth: Depth, offset: number, exact: boolean): void {
  const rank = exact && depth === scan.path.length ? depth + 1 : depth
  if (rank <= scan.reached) return
  scan.reached = rank
  scan.found = offset
}

/** Reads `a.b.c`, with the blanks after it; gives the depth of what it names. */
function key(scan: Scan, table: Depth): Depth {
  let depth = table
  for (;;) {
    blank(scan)
    const start = scan.at
    const name = word(scan)
    depth = depth !== OFF && depth < scan.path.length && scan.path[depth] === name ? depth + 1 : OFF
    if (depth !== OFF) meet(scan, depth, start, scan.part === 'key')
    blank(scan)
    if (scan.text[scan.at] !== '.') return depth
    scan.at += 1
  }
}

function pair(scan: Scan, table: Depth): void {
  const depth = key(scan, table)
  scan.at += 1
  space(scan)
  value(scan, depth)
}

function value(scan: Scan, depth: Depth): void {
  if (depth === scan.path.length) meet(scan, depth, scan.at, true)
  const first = scan.text[scan.at]
  if (first === '"' || first === "'") string(scan, first)
  else if (first === '[')
    elements(scan, (index) => value(scan, depth !== OFF && scan.path[depth] === index ? depth + 1 : OFF))
  else if (first === '{') elements(scan, () => pair(scan, depth))
  else skip(scan, (char) => !',]}#\n\r'.includes(char))
}

/** What stands between brackets or braces, with commas, comments and line ends between. */
function elements(scan: Scan, each: (index: number) => void): void {
  scan.at += 1
  for (let index = 0; ; index++) {
    space(scan)
    if (scan.at >= scan.text.length || ']}'.includes(scan.text.charAt(scan.at))) break
    each(index)
    space(scan)
    if (scan.text[scan.at] === ',') scan.at += 1
  }
  scan.at += 1
}

function word(scan: Scan): string {
  const start = scan.at
  const first = scan.text[start]
  if (first !== '"' && first !== "'") {
    skip(scan, (char) => /[\w-]/.test(char))
    return scan.text.slice(start, scan.at)
  }
  string(scan, first)
  return Object.keys(parse(`${scan.text.slice(start, scan.at)} = 0`))[0] ?? ''
}

function string(scan: Scan, quote: string): void {
  const long = quote.repeat(3)
  const multiline = scan.text.startsWith(long, scan.at)
  const end = multiline ? long : quote
  scan.at += end.length
  while (scan.at < scan.text.length && !scan.text.startsWith(end, scan.at)) {
    scan.at += quote === '"' && scan.text[scan.at] === '\\' ? 2 : 1
  }
  scan.at += end.length
  // A multi-line string may end in up to two quotes of its own.
  for (let own = 0; multiline && own < 2 && scan.text[scan.at] === quote; own++) scan.at += 1
}

function blank(scan: Scan): void {
  skip(scan, (char) => char === ' ' || char === '\t')
}

function space(scan: Scan): void {
  for (;;) {
    skip(scan, (char) => ' \t\r\n'.includes(char))
    if (scan.text[scan.at] !== '#') return
    skip(scan, (char) => char !== '\n')
  }
}

function skip(scan: Scan, wanted: (char: string) => boolean): void {
  while (scan.at < scan.text.length && wanted(scan.text.charAt(scan.at))) scan.at += 1
}

function position(text: string, offset: number): Position {
  const before = text.slice(0, offset).split('\n')
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
}
