import { announcesSecret, isSecret, SECRET_SHAPES, type SecretFlags, secretFlagsOf } from './secret-shapes.ts'

/** What stands in place of a secret. */
const HIDDEN = '***'

/** What the words so far say of the next one, and the flags of the program named last. */
interface State {
  next: 'plain' | 'secret' | 'user:password'
  flags: SecretFlags
}

/**
 * A command line with its obvious secrets hidden: values of flags, variables, headers and JSON members with telling
 * names, passwords in URLs, known kinds of tokens. Hiding too much is a pity, hiding too little a leak; what does not
 * look like a secret stays.
 */
export function maskArguments(args: readonly string[]): readonly string[] {
  const state: State = { next: 'plain', flags: {} }
  return args.map((arg) => {
    const plain = maskShapes(maskJson(arg))
    // An argument is one value, blanks and all, unless it is a script for a shell.
    const variable = /^([A-Za-z_]\w*)=(.*)$/s.exec(plain)
    if (state.next === 'plain' && variable?.[1] !== undefined && isSecret(variable[1], variable[2] ?? '')) {
      return `${variable[1]}=${HIDDEN}`
    }
    return state.next !== 'plain' || plain.startsWith('-') ? maskWord(plain, state) : maskWords(plain, state)
  })
}

/** The same for text that is a command line or may hold one: the kernel's, mount options, kernel messages. */
export function maskText(text: string): string {
  return text.replace(/[^\n]+/g, (line) => maskWords(maskShapes(maskJson(line)), { next: 'plain', flags: {} }))
}

/** Words with what is quoted in them: `--title='a b'` is one. */
const WORD = /(?:"[^"]*"|'[^']*'|[^\s])+/g

function maskWords(text: string, state: State): string {
  const header = /^[\w-]+:\s+/.exec(text)?.[0]
  if (header !== undefined && isSecret(header, text.slice(header.length))) return header + HIDDEN
  return text.replace(WORD, (word) => {
    const quoted = /^(["'])(.*\s.*)\1$/s.exec(word)
    if (quoted?.[2] === undefined || state.next !== 'plain') return maskWord(word, state)
    return `${quoted[1]}${maskWords(quoted[2], state)}${quoted[1]}`
  })
}

function maskWord(word: string, state: State): string {
  const before = state.next
  state.next = 'plain'
  if (before === 'user:password') return maskUser(word)
  if (before === 'secret' && /^(?:bearer|basic|digest|token)$/i.test(word)) return announced(word, 'secret', state)
  // A long flag after one that wants a secret: that one had no value.
  if (before === 'secret' && !/^--[a-z]/i.test(word)) return HIDDEN

  state.flags = secretFlagsOf(word) ?? state.flags
  const { attached, next } = state.flags
  if (word === next || /^bearer$/i.test(word)) return announced(word, 'secret', state)
  if (attached !== undefined && word.startsWith(attached) && word.length > attached.length) return attached + HIDDEN
  if (/^(?:-u|-U|--user|--proxy-user)$/.test(word)) return announced(word, 'user:password', state)
  if (/^(?:--?[\w.-]+|[\w-]+:)$/.test(word) && announcesSecret(word)) return announced(word, 'secret', state)
  if (looksLikePassword(word)) return `-p${HIDDEN}`
  const user = /^(-[uU]|--(?:proxy-)?user=)(?=\w)(.*)$/s.exec(word)
  if (user?.[1] !== undefined) return user[1] + maskUser(user[2] ?? '')
  return maskPairs(maskUrls(word))
}

/** `-pS3cret` of a program we do not know: letters and something else that is no port, address, path or long name. */
function looksLikePassword(word: string): boolean {
  return /^-p(?=.*[a-z])(?=.*[^a-z_.-])[^/=]+$/is.test(word)
}

/** `NAME=value` anywhere in a word: `--env=DB_PASSWORD=x`, `host=a;password=b`, `?token=c&v=1`; and `name:value`. */
function maskPairs(word: string): string {
  const colon = /^([\w-]+:)(?!\/\/)(.+)$/s.exec(word)
  if (colon?.[1] !== undefined && isSecret(colon[1], colon[2] ?? '')) return colon[1] + HIDDEN
  const name = /([A-Za-z_][\w.-]*)=/g
  let masked = ''
  let done = 0
  for (let found = name.exec(word); found !== null; found = name.exec(word)) {
    const start = name.lastIndex
    // Of a flag the value is all the rest; in a list of pairs it ends where the next pair begins.
    const length = word.startsWith('-') ? -1 : word.slice(start).search(/[&;,?\s][\w. -]+=/)
    const end = length === -1 ? word.length : start + length
    if (!isSecret(found[1] ?? '', word.slice(start, end).replace(/^(["'])(.*)\1$/s, '$2'))) continue
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

function maskJson(text: string): string {
  if (!/"\s*:/.test(text)) return text
  return text.replace(/(\\?"([\w.-]+)\\?"\s*:\s*\\?")([^"\\]*)/g, (all, before, name, value) =>
    isSecret(name, value) ? before + HIDDEN : all,
  )
}

function maskShapes(text: string): string {
  return SECRET_SHAPES.reduce((masked, shape) => masked.replace(shape, `$1${HIDDEN}`), text)
}

/** `user:password`, or Samba's `user%password`; ids such as 1000:1000 stay. */
function maskUser(word: string): string {
  if (word.includes('://')) return maskUrls(word)
  return /^\d+:\d+$/.test(word) ? word : word.replace(/^([^:%/]+[:%])(.+)$/s, `$1${HIDDEN}`)
}

function announced(word: string, next: State['next'], state: State): string {
  state.next = next
  return word
}
