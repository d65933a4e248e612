import { isSecret, type Telling, tellingInProse, VALUE_CHARACTERS } from './secret-names.ts'
import { HIDDEN } from './secret-shapes.ts'

/** What a name says of its value, which depends on where the name stands. */
export type Judge = (name: string) => Telling | undefined

/** What stands before a value, its name in the first group, and where a value without quotes ends. */
interface Heads {
  readonly head: RegExp
  readonly end: RegExp
}
/** `"name": ` of JSON, Python and JavaScript; in braces also `name: `, as YAML has it. */
const MEMBERS: readonly Heads[] = [
  { head: /\\?["']([\w.-]{1,96})\\?["']\s{0,16}:\s{0,16}/g, end: /[,}\]"'\n]/ },
  { head: /[{,]\s{0,64}([\w.-]{1,96})\s{0,16}:\s{0,16}/g, end: /[,}\n]/ },
]
/** `name = ` of a program or a settings file; without blanks it is a pair. */
const ASSIGNED: Heads = {
  head: /(?<![\w.-])([A-Za-z_][\w.-]{0,96})(?:\s{1,16}:?={1,3}\s{0,16}|:?={1,3}\s{1,16}(?!--)|:=)/g,
  end: /[\s;,&"']/,
}

/** A text in which the members of objects that have telling names are hidden. */
export function maskMembers(text: string): string {
  return text.includes(':') ? MEMBERS.reduce(maskAfter, text) : text
}

/** A text in which what is assigned to telling names is hidden. */
export function maskAssigned(text: string): string {
  return text.includes('=') ? maskAfter(text, ASSIGNED) : text
}

/** Hides the values after heads. A value that is none to hide is looked into: it may hold names of its own. */
function maskAfter(text: string, { head: heads, end: bareEnd }: Heads): string {
  heads.lastIndex = 0
  let masked = ''
  let from = 0
  for (let head = heads.exec(text); head !== null; head = heads.exec(text)) {
    const telling = tellingInProse(head[1] ?? '')
    if (telling === undefined) continue
    const start = heads.lastIndex
    const quote = /^\\?["']/.exec(text.slice(start, start + 2))?.[0] ?? ''
    const begin = start + quote.length
    const window = text.slice(begin, begin + VALUE_CHARACTERS)
    const value = window.slice(0, endOf(window, quote, bareEnd))
    if (value === '' || !isSecret(telling, value)) continue
    const done = begin + (value.length < window.length ? value.length : endOf(text.slice(begin), quote, bareEnd))
    masked += text.slice(from, begin) + HIDDEN
    heads.lastIndex = done
    from = done
  }
  return masked + text.slice(from)
}

/** Where a value ends: one in quotes at the same quote, which a backslash before it takes away. */
function endOf(text: string, quote: string, bareEnd: RegExp): number {
  if (quote === '') return bareEnd.exec(text)?.index ?? text.length
  for (let at = 0; at < text.length; at++) {
    if (text.startsWith(quote, at)) return at
    if (text[at] === '\\') at++
  }
  return text.length
}

/** Characters of a name before `=` or `:` that are looked at. */
const NAME = /[A-Za-z_][\w.-]{0,96}$/

interface Pair {
  readonly name: string
  /** Where the name begins, and the value. */
  readonly at: number
  readonly value: number
  /** Where a value before it has ended: at the separator before this pair, if there is one. */
  readonly separator: number | undefined
}

/** `NAME=value` anywhere in a word: `--env=DB_PASSWORD=x`, `host=a;password=b`, `?token=c&v=1`; and `name:value`. */
export function maskPairs(word: string, judge: Judge): string {
  const colon = /^((?:--[\w-]{1,96}=|-[A-Za-z](?=["']))?["']?(\/?[\w-]{1,96}):\s*)(?!\/\/)(?=.)/s.exec(word)
  if (colon?.[1] !== undefined && isSecret(tellingInProse(colon[2] ?? ''), word.slice(colon[1].length))) {
    return colon[1] + HIDDEN
  }
  if (!word.includes('=')) return word
  const pairs = pairsOf(word)
  let masked = ''
  let done = 0
  let end = word.length
  const ends = pairs.map(() => 0)
  // Of a flag the value is all the rest; in a list of pairs it ends where the next pair begins.
  for (const [index, { separator }] of [...pairs.entries()].reverse()) {
    ends[index] = end
    if (separator !== undefined && !word.startsWith('-')) end = separator
  }
  for (const [index, pair] of pairs.entries()) {
    if (pair.at < done) continue
    // `-Dpass=x`: the name may begin behind the flag's letter.
    const names = pair.at === 1 && word.startsWith('-') ? [pair.name, pair.name.slice(1)] : [pair.name]
    const telling = names.map(judge).filter((each) => each !== undefined)
    if (telling.length === 0) continue
    const quote = /^["']/.exec(word.slice(pair.value, pair.value + 1))?.[0]
    const close = quote === undefined ? -1 : word.indexOf(quote, pair.value + 1)
    const valueEnd = Math.max(ends[index] ?? 0, close + 1)
    if (!telling.some((each) => isSecret(each, word.slice(pair.value, valueEnd)))) continue
    masked += word.slice(done, pair.value) + HIDDEN
    done = valueEnd
  }
  return masked + word.slice(done)
}

function pairsOf(word: string): readonly Pair[] {
  const pairs: Pair[] = []
  for (let equals = word.indexOf('='); equals !== -1; equals = word.indexOf('=', equals + 1)) {
    const name = NAME.exec(word.slice(Math.max(0, equals - 97), equals))?.[0]
    if (name === undefined) continue
    const at = equals - name.length
    const separator = /[&;,?\s]/.test(word[at - 1] ?? '') ? at - 1 : undefined
    pairs.push({ name, at, value: equals + 1, separator })
  }
  return pairs
}
