import { cannot } from '../../words/cannot.ts'

/** A pattern as a tree. */
export type Node =
  | { readonly kind: 'begin' | 'end' }
  | { readonly kind: 'one'; readonly has: (code: number) => boolean }
  | { readonly kind: 'all' | 'any'; readonly of: readonly Node[] }
  /** `most` undefined: without end. */
  | { readonly kind: 'times'; readonly of: Node; readonly least: number; readonly most: number | undefined }

/** What a number in braces may be: each stands for as many copies. */
const MOST_TIMES = 100
/** Characters of a pattern. */
export const PATTERN_LENGTH = 200

const isDigit = (code: number) => code >= 0x30 && code <= 0x39
const isWord = (code: number) =>
  isDigit(code) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a) || code === 0x5f
const isBlank = (code: number) => code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0xa0
const CLASSES: Readonly<Record<string, (code: number) => boolean>> = {
  ...{ d: isDigit, w: isWord, s: isBlank },
  ...{ D: (code) => !isDigit(code), W: (code) => !isWord(code), S: (code) => !isBlank(code) },
}

/**
 * Reads a pattern: of regular expressions what can be looked for in one pass: characters, `.`, `[a-z]`, `\d` `\w` `\s`, groups, `|`, `*` `+` `?` `{2,5}`, `^`, `$`, and `(?i)`
 * in front for either case. Throws what else stands in it: what looks ahead or back takes more than one.
 */
export function parsePattern(source: string): { readonly root: Node; readonly isEitherCase: boolean } {
  const wrong = (why: string) => cannot(`read the pattern ${JSON.stringify(source)}`, why)
  if (source.length === 0 || source.length > PATTERN_LENGTH) throw wrong(`it has 1 to ${PATTERN_LENGTH} characters`)
  const isEitherCase = source.startsWith('(?i)')
  let at = isEitherCase ? 4 : 0
  const next = () => source[at]
  const take = (text: string) => {
    const isThere = source.startsWith(text, at)
    if (isThere) at += text.length
    return isThere
  }

  function either(): Node {
    const ways = [sequence()]
    while (take('|')) ways.push(sequence())
    return ways.length === 1 ? (ways[0] as Node) : { kind: 'any', of: ways }
  }
  function sequence(): Node {
    const all: Node[] = []
    while (at < source.length && next() !== '|' && next() !== ')') all.push(repeated(atom()))
    return { kind: 'all', of: all }
  }
  function repeated(of: Node): Node {
    let node = of
    for (let count = 0; ; count++) {
      const range = timesOf()
      if (range === undefined) return node
      if (count > 0) throw wrong('what repeats is repeated: put it into parentheses')
      if (of.kind === 'begin' || of.kind === 'end') throw wrong('^ and $ cannot be repeated')
      node = { kind: 'times', of: node, ...range }
    }
  }
  function timesOf(): { readonly least: number; readonly most: number | undefined } | undefined {
    if (take('*')) return { least: 0, most: undefined }
    if (take('+')) return { least: 1, most: undefined }
    if (take('?')) return { least: 0, most: 1 }
    const [all, from = '', comma, to = ''] = /^\{(\d{1,3})(,(\d{1,3})?)?\}/.exec(source.slice(at)) ?? []
    if (all === undefined) return undefined
    at += all.length
    const least = Number(from)
    const most = comma === undefined ? least : to === '' ? undefined : Number(to)
    if (least > MOST_TIMES || (most ?? 0) > MOST_TIMES || (most ?? least) < least)
      throw wrong(`{m,n} goes from 0 to ${MOST_TIMES}`)
    return { least, most }
  }
  function atom(): Node {
    if (take('^')) return { kind: 'begin' }
    if (take('$')) return { kind: 'end' }
    if (take('.')) return { kind: 'one', has: () => true }
    if (take('(')) {
      if (next() === '?' && !take('?:')) throw wrong('of groups with ? there is (?:…), and (?i) in front of all')
      const inner = either()
      if (!take(')')) throw wrong('a parenthesis is not closed')
      return inner
    }
    if (take('[')) return set()
    if (take('\\')) return { kind: 'one', has: escaped() }
    const one = next() ?? ''
    if ('*+?{)'.includes(one)) throw wrong(`${one} stands where nothing is before it`)
    return { kind: 'one', has: literal() }
  }
  function literal(): (code: number) => boolean {
    const code = source.charCodeAt(at++)
    return (other) => other === code
  }
  function escaped(): (code: number) => boolean {
    const letter = source[at++]
    if (letter === undefined) throw wrong('it ends in a backslash')
    const named = CLASSES[letter]
    if (named !== undefined) return named
    if (letter === 't') return (code) => code === 9
    if (/[A-Za-z0-9]/.test(letter)) throw wrong(`there is no \\${letter}`)
    at--
    return literal()
  }
  function set(): Node {
    const isNot = take('^')
    const parts: ((code: number) => boolean)[] = []
    while (next() !== ']') {
      if (at >= source.length) throw wrong('a bracket is not closed')
      if (take('\\')) {
        parts.push(escaped())
        continue
      }
      const from = source.charCodeAt(at)
      if (source[at + 1] === '-' && source[at + 2] !== ']' && source[at + 2] !== '\\' && at + 2 < source.length) {
        const to = source.charCodeAt(at + 2)
        if (to < from) throw wrong('a range in brackets goes backwards')
        parts.push((code) => code >= from && code <= to)
        at += 3
      } else parts.push(literal())
    }
    at++
    return { kind: 'one', has: (code) => parts.some((part) => part(code)) !== isNot }
  }

  const root = either()
  if (at < source.length) throw wrong('a parenthesis is closed that was not opened')
  return { root, isEitherCase }
}
