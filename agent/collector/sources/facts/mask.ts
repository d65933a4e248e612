import { HIDDEN, maskAssigned, maskMembers } from './named-values.ts'
import { type SecretRule, secretRules } from './program-secrets.ts'
import { announcesBare, announcesSecret, isSecret, SECRET_SHAPES } from './secret-shapes.ts'

type Mask = (word: string) => string
const hide: Mask = () => HIDDEN

/** What the words so far say of the next ones. */
interface State {
  next: Mask | undefined
  /** Those of the program named last. */
  rules: readonly SecretRule[]
  /** Words that said for which of its rules the time has come. */
  readonly met: Set<SecretRule>
  /** Words since that program that are no flags. */
  operands: number
  /** Whether these are arguments; in a message `password` is a word like any other. */
  readonly arguments: boolean
}

const start = (ofArguments: boolean): State => ({
  next: undefined,
  rules: [],
  met: new Set(),
  operands: 0,
  arguments: ofArguments,
})

/**
 * A command line with its obvious secrets hidden: values of flags, variables, headers and JSON members with telling
 * names, passwords in URLs, known kinds of tokens. Hiding too much is a pity, hiding too little a leak; what does not
 * look like a secret stays.
 */
export function maskArguments(args: readonly string[]): readonly string[] {
  const state = start(true)
  return args.map((arg) => {
    const plain = maskAssigned(maskMembers(maskShapes(arg)))
    // An argument is one value, blanks and all, unless it is a script for a shell.
    const variable = /^([A-Za-z_][\w.-]*)\s*=(?!=)\s*(.*)$/s.exec(plain)
    if (state.next === undefined && variable?.[1] !== undefined && isSecret(variable[1], variable[2] ?? '')) {
      return plain.slice(0, plain.length - (variable[2] ?? '').length) + HIDDEN
    }
    return state.next !== undefined || plain.startsWith('-') ? maskWord(plain, state) : maskWords(plain, state)
  })
}

/** The same for text that is a command line or may hold one: the kernel's, mount options, kernel messages. */
export function maskText(text: string): string {
  return text.replace(/[^\n]+/g, (line) => maskWords(maskAssigned(maskMembers(maskShapes(line))), start(false)))
}

/** Words with what is quoted in them: `--title='a b'` is one. */
const WORD = /(?:"[^"]*"|'[^']*'|[^\s])+/g

function maskWords(text: string, state: State): string {
  const header = /^[\w-]+:\s+/.exec(text)?.[0]
  if (header !== undefined && isSecret(header, text.slice(header.length))) return header + HIDDEN
  return text.replace(WORD, (word) => {
    const quoted = /^(["'])(.*\s.*)\1$/s.exec(word)
    if (quoted?.[2] === undefined || state.next !== undefined) return maskWord(word, state)
    return `${quoted[1]}${maskWords(quoted[2], state)}${quoted[1]}`
  })
}

function maskWord(word: string, state: State): string {
  const mask = state.next
  state.next = undefined
  // What stands between the two, or was hidden before the words were looked at.
  if (mask !== undefined && /^:?={1,3}$/.test(word)) return announced(word, mask, state)
  if (mask !== undefined && /^[\\"']*\*\*\*[\\"',;:)}\]]*$/.test(word)) return word
  if (mask === hide) {
    if (/^(?:bearer|basic|digest|token)$/i.test(word)) return announced(word, hide, state)
    // A long flag after one that wants a secret: that one had no value.
    if (!/^--[a-z]/i.test(word)) return HIDDEN
  } else if (mask !== undefined) {
    const masked = mask(word)
    if (masked !== word || mask !== hideOperand) return masked
  }
  const ruled = maskByRules(word, state)
  if (ruled !== undefined) return ruled
  if (/^bearer$/i.test(word)) return announced(word, hide, state)
  if (/^(?:-u|-U|--(?:proxy-)?user|--userpwd|--(?:basic-)?auth)$/.test(word)) return announced(word, maskUser, state)
  if (/^(?:--?[\w.-]+|[{[(,"']*[\w.-]+["']?:)$/.test(word) && announcesSecret(word)) return announced(word, hide, state)
  if (state.arguments && announcesBare(word)) return announced(word, hideOperand, state)
  if (looksLikePassword(word)) return `-p${HIDDEN}`
  const [, flag, user] = /^(-[uU]|--(?:(?:proxy-)?user|userpwd|(?:basic-)?auth)=)(?=\w)(.*)$/s.exec(word) ?? []
  const maskedUser = user === undefined ? undefined : maskUser(user)
  return maskedUser === user ? maskPairs(maskUrls(word)) : `${flag}${maskedUser}`
}

/** What follows a telling word without dashes, which may be there for another reason: no flag, no path. */
const hideOperand: Mask = (word) => (/^(?:[-/]|\.\.?\/)/.test(word) || !isSecret('password', word) ? word : HIDDEN)

/** By what the program named last is known to take; undefined where that tells nothing of this word. */
function maskByRules(word: string, state: State): string | undefined {
  const named = secretRules(word)
  if (named.length > 0 || /^(?:[|&;]+|.*;)$/.test(word)) {
    Object.assign(state, { rules: named, operands: 0 })
    state.met.clear()
    return undefined
  }
  if (!word.startsWith('-')) state.operands += 1
  for (const rule of state.rules) {
    if (rule.after?.test(word)) state.met.add(rule)
    if (rule.after !== undefined && !state.met.has(rule)) continue
    const { value } = rule
    if (rule.next?.test(word)) return announced(word, value === undefined ? hide : (next) => kept(next, value), state)
    if (rule.within?.test(word)) return kept(word, rule.within)
    if (state.operands >= (rule.operand ?? Infinity) && !word.startsWith('-')) return HIDDEN
  }
  return undefined
}

/** A word of which the groups are kept, and what is between them is hidden. */
const kept = (word: string, shape: RegExp) =>
  word.replace(shape, (_, before: string, after: unknown) => before + HIDDEN + (typeof after === 'string' ? after : ''))

/** `-pS3cret` of a program we do not know: letters and something else that is no port, address, path or long name. */
function looksLikePassword(word: string): boolean {
  return /^-p(?!\s)(?=.*[a-z])(?=.*[^a-z_.-])[^/=]+$/is.test(word)
}

/** `NAME=value` anywhere in a word: `--env=DB_PASSWORD=x`, `host=a;password=b`, `?token=c&v=1`; and `name:value`. */
function maskPairs(word: string): string {
  const colon = /^((?:--[\w-]+=|-[A-Za-z](?=["']))?["']?(\/?[\w-]+):\s*)(?!\/\/)(.+)$/s.exec(word)
  if (colon?.[1] !== undefined && isSecret(colon[2] ?? '', colon[3] ?? '')) return colon[1] + HIDDEN
  const name = /([A-Za-z_][\w.-]*)=/g
  let masked = ''
  let done = 0
  for (let found = name.exec(word); found !== null; found = name.exec(word)) {
    const start = name.lastIndex
    // Of a flag the value is all the rest; in a list of pairs it ends where the next pair begins.
    const length = word.startsWith('-') ? -1 : word.slice(start).search(/[&;,?\s][\w. -]+=/)
    const end = length === -1 ? word.length : start + length
    const value = word.slice(start, end).replace(/^(["'])(.*)\1$/s, '$2')
    // `-Dpass=x`: the name may begin behind the flag's letter.
    const names = [found[1] ?? '', ...(found.index === 1 && word.startsWith('-') ? [found[1]?.slice(1) ?? ''] : [])]
    if (!names.some((each) => isSecret(each, value))) continue
    masked += word.slice(done, start) + HIDDEN
    done = end
    name.lastIndex = end
  }
  return masked + word.slice(done)
}

/** The password of `scheme://user:password@host`, or a token that stands in the user's place. */
function maskUrls(word: string): string {
  return word
    .replace(/(:\/\/[^\s:@/]*:)(?!\d{1,5}\/)[^\s"'<>]+@/g, `$1${HIDDEN}@`)
    .replace(/(:\/\/)[\w-]{16,}@/g, `$1${HIDDEN}@`)
}

function maskShapes(text: string): string {
  return SECRET_SHAPES.reduce((masked, shape) => masked.replace(shape, `$1${HIDDEN}`), text)
}

/** `user:password`, or Samba's `domain/user%password`; ids such as 1000:1000 stay. */
function maskUser(word: string): string {
  if (word.includes('://')) return maskUrls(word)
  return /^\d+:\d+$/.test(word) ? word : word.replace(/^((?:[^:%/\\]+[/\\])?[^:%/\\]+[:%])(.+)$/s, `$1${HIDDEN}`)
}

function announced(word: string, next: Mask, state: State): string {
  state.next = next
  return word
}
