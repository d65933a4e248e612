import { maskAssigned, maskMembers, maskPairs } from './named-values.ts'
import { ProgramsNamed } from './programs-named.ts'
import { isSecret, type Telling, tellingInProse, tellingOf } from './secret-names.ts'
import { HIDDEN, maskAudit, maskShapes, maskUrls, maskUser } from './secret-shapes.ts'

/** A word with its secret hidden; undefined where it is none, and says something of its own. */
type Mask = (word: string) => string | undefined

/** What the words so far say of the next ones. */
interface State {
  next: Mask | undefined
  readonly programs: ProgramsNamed
  /** Whether these are arguments; in a message `password` and `key` are words like any other. */
  readonly arguments: boolean
  /** How many quotes are around these words. */
  readonly depth: number
}

/** A script in a script in a script: what is quoted deeper is one word. */
const MAX_DEPTH = 4

const start = (ofArguments: boolean): State => ({
  next: undefined,
  programs: new ProgramsNamed(),
  arguments: ofArguments,
  depth: 0,
})

/**
 * A command line with its obvious secrets hidden: values of flags, variables, headers and JSON members with telling
 * names, what programs are known to take as passwords, passwords in URLs, known kinds of tokens. Hiding too much is a
 * pity, hiding too little a leak; what does not look like a secret stays. Takes time in proportion to its length.
 */
export function maskArguments(args: readonly string[]): readonly string[] {
  const state = start(true)
  return args.map((arg) => maskArgument(maskAssigned(maskMembers(maskShapes(arg))), state))
}

/** The same for text that is a command line or may hold one: the kernel's, mount options, kernel messages. */
export function maskText(text: string): string {
  return text.replace(/[^\n]+/g, (line) =>
    maskWords(maskAssigned(maskMembers(maskShapes(maskAudit(line)))), start(false)),
  )
}

function maskArgument(arg: string, state: State): string {
  if (state.next !== undefined) {
    const masked = maskWord(arg, state)
    if (masked !== arg || !/\s/.test(arg)) return masked
  }
  // An argument is one value, blanks and all, unless it is a script for a shell.
  const variable = /^([A-Za-z_][\w.-]{0,96})\s{0,16}=(?!=)\s{0,16}/.exec(arg)
  if (variable !== null && isSecret(tellingOf(variable[1] ?? ''), arg.slice(variable[0].length))) {
    return variable[0] + HIDDEN
  }
  if (!arg.startsWith('-')) return maskWords(arg, state)
  const masked = maskWord(arg, state)
  const [flag] = /^--?[\w-]{1,96}=/.exec(arg) ?? []
  if (masked !== arg || flag === undefined || !/\s/.test(arg)) return masked
  return flag + maskWords(arg.slice(flag.length), { ...start(state.arguments), depth: state.depth + 1 })
}

/** Words with what is quoted in them: `--title='a b'` is one. */
const WORD = /(?:"[^"]*"|'[^']*'|[^\s])+/g

function maskWords(text: string, state: State): string {
  const [header, name = ''] = /^([\w-]{1,96}):\s*(?!\/\/)/.exec(text) ?? []
  if (header !== undefined && isSecret(tellingInProse(name), text.slice(header.length))) return header + HIDDEN
  return text.replace(WORD, (word) => {
    const quote = word[0] ?? ''
    const isQuoted = /^["']$/.test(quote) && word.length > 2 && word.endsWith(quote)
    if (!isQuoted || state.next !== undefined || state.depth >= MAX_DEPTH) return maskWord(word, state)
    if (!/\s/.test(word)) return quote + maskWord(word.slice(1, -1), state) + quote
    // What follows the quotes follows what is in them: `sh -c 'mysql' -pX`.
    const inner = { ...state, depth: state.depth + 1 }
    const masked = quote + maskWords(word.slice(1, -1), inner) + quote
    state.next = inner.next
    return masked
  })
}

/** The mask for what follows a flag whose name says this much. */
const hideAs =
  (telling: Telling): Mask =>
  (word) => {
    // A flag after one that wants a secret: that one had no value.
    if (/^--[a-z]/i.test(word) || (telling !== 'surely' && word.startsWith('-'))) return undefined
    return isSecret(telling, word) ? HIDDEN : undefined
  }
const hide = hideAs('surely')
/** What follows a telling word without dashes, which may be there for another reason: no flag, no path, no sentence. */
const hideOperand: Mask = (word) => (/^(?:[-/]|\.\.?\/)/.test(word) || PARTICLE.test(word) ? undefined : hide(word))
const hideUser: Mask = (word) => (maskUser(word) === word ? undefined : maskUser(word))
const PARTICLE = /^(?:of|for|is|was|has|and|or|to|in|on|at|the|a|from|with|not|must|will|can)$/
const SCHEME = /^(?:bearer|basic|digest|token|negotiate)$/i

function maskWord(word: string, state: State): string {
  const mask = state.next
  state.next = undefined
  // Programs hear every word, hidden or not: they count.
  const ruled = state.programs.take(word)
  if (mask !== undefined) {
    // What stands between the two, or was hidden before the words were looked at.
    if (/^:?={1,3}$/.test(word) || (mask === hide && SCHEME.test(word))) return announced(word, mask, state)
    if (/^[\\"']{0,8}\*\*\*[\\"',;:)}\]]{0,8}$/.test(word)) return word
    const masked = mask(word)
    if (masked !== undefined) return masked
  }
  if (ruled?.next !== undefined) return announced(word, ruled.next, state)
  if (ruled?.masked !== undefined) return ruled.masked
  return maskByName(word, state)
}

function maskByName(word: string, state: State): string {
  if (/^["']?bearer$/i.test(word) || /authorization["']?[:=]\s?["']?(?:bearer|basic|digest|token)$/i.test(word)) {
    return announced(word, hide, state)
  }
  if (/^(?:-u|-U|--(?:proxy-)?user|--userpwd|--?(?:basic-|proxy-)?auth)$/.test(word)) {
    return announced(word, hideUser, state)
  }
  const flag = /^--?[\w.-]+$/.test(word) ? tellingOf(word) : undefined
  if (flag !== undefined && (flag === 'surely' || state.arguments)) return announced(word, hideAs(flag), state)
  const [, member] = /(?:^|[=:,"'({[])([\w.-]{1,96})["']?:$/.exec(word) ?? []
  if (member !== undefined && tellingOf(member) === 'surely') return announced(word, hide, state)
  if (state.arguments && announcesBare(word)) return announced(word, hideOperand, state)
  if (looksLikePassword(word)) return `-p${HIDDEN}`
  const [before] = /^(?:-[uU]|--(?:(?:proxy-)?user|userpwd|(?:basic-|proxy-)?auth)=)(?=\w)/.exec(word) ?? []
  if (before !== undefined) {
    const masked = before + maskUser(word.slice(before.length))
    if (masked !== word) return masked
  }
  return maskPairs(maskUrls(word), state.arguments ? tellingOf : tellingInProse)
}

/**
 * Whether a word without dashes says that the next argument is a secret: `nmcli … password X`, `aws configure set
 * aws_secret_access_key X`. Commands are called `token` and `secret`, so of single words only few do.
 */
function announcesBare(word: string): boolean {
  if (/^(?:password|PASSWORD|passphrase|psk)$/.test(word)) return true
  const isName = /^(?!test_)\w[\w.-]{0,63}$/.test(word) && /\w[._]\w|^_/.test(word)
  return isName && tellingOf(word.slice(word.lastIndexOf('.') + 1)) === 'surely'
}

/** `-pS3cret` of a program we do not know: letters and something else that is no port, address, path or long name. */
function looksLikePassword(word: string): boolean {
  return /^-p(?!\s)[^/=]+$/.test(word) && /[a-z]/i.test(word.slice(2)) && /[^a-z_.-]/i.test(word.slice(2))
}

function announced(word: string, next: Mask, state: State): string {
  state.next = next
  return word
}
