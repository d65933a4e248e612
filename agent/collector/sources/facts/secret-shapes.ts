/** What obvious secrets look like: the names they go by, and the shapes of known tokens. */

/** Words of a name (`db-password`, `API_KEY`, `authToken`) whose value is a secret. */
const SECRET_WORD =
  /^(?:\w*(?:password|passwd|passphrase|passcode|secret|token|apikey|accesskey|privatekey|credential)s?|\w*authorization|\w*cookie|pass|passin|passout|pwd|pw|rootpw|requirepass|masterauth|bearer|cred|creds|signature|sig|jwt|psk)\d*$/
/** `key` after one of these is a secret; after others (`sort-key`, `ssh-key-file`) it is not. */
const SECRET_KEY =
  /(?:^|-)(?:api|access|account|auth|client|encryption|master|private|secret|shared|signing|storage)-key\d*(?:-|$)/
/** All of a name: a PIN of a card is a secret; of a circuit, a processor or a map it is not. */
const PIN = /^(?:(?:so|user|old|new|card|token|login)-)?(?:pin|puk)$/
/** Names that hold a secret word, but whose value tells where or how the secret is. */
const HARMLESS_LAST =
  /^(?:file|files|path|dir|directory|url|uri|endpoint|name|type|ttl|length|timeout|expiry|lifetime|size|count|policy|provider|mode|method|plugin|prompt|stdin|algorithm|fd|env)$/
/** Names that may go with a secret: their value is one when it looks random. */
const WEAK_WORD = /^(?:key|auth|session|sid|sess|hash|salt|seed|otp|code|license|cert)\d*$/
const HARMLESS_VALUE = /^(?:|true|false|yes|no|none|null|on|off|[01])$/i

/** Whether the value that goes by this name is one to hide. Dashes before the name do not matter. */
export function isSecret(name: string, value: string): boolean {
  if (HARMLESS_VALUE.test(value)) return false
  const words = wordsOf(name)
  return namesSecret(words) || (looksRandom(value) && words.some((word) => WEAK_WORD.test(word)))
}

/** Whether a flag says that the next argument is a secret. */
export function announcesSecret(flag: string): boolean {
  const words = wordsOf(flag)
  return words[0] !== 'no' && namesSecret(words)
}

/**
 * Whether a word without dashes says that the next argument is a secret: `nmcli … password X`, `aws configure set
 * aws_secret_access_key X`. Commands are called `token` and `secret`, so of single words only few do.
 */
export function announcesBare(word: string): boolean {
  if (/^(?:password|PASSWORD|passphrase|psk)$/.test(word)) return true
  const isName = /^(?!test_)\w[\w.-]{0,63}$/.test(word) && /\w[._]\w/.test(word)
  return isName && announcesSecret(word.slice(word.lastIndexOf('.') + 1))
}

function namesSecret(words: readonly string[]): boolean {
  if (HARMLESS_LAST.test(words.at(-1) ?? '')) return false
  return words.some((word) => SECRET_WORD.test(word)) || SECRET_KEY.test(words.join('-')) || PIN.test(words.join('-'))
}

/** `--dbPassword`, `DB_PASSWORD`, `db.password` → db, password */
function wordsOf(name: string): readonly string[] {
  const split = name.replace(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase()
  return split.split(/[^a-z0-9]+/).filter((word) => word !== '')
}

/** Sixteen or more characters of base64 or hex with both letters and digits, and no path. */
function looksRandom(value: string): boolean {
  return /^[\w+/=-]{16,}$/.test(value) && /\d/.test(value) && /[a-z]/i.test(value) && !value.startsWith('/')
}

/** Shapes that are secrets wherever they stand; the first group, if any, is kept. */
export const SECRET_SHAPES: readonly RegExp[] = [
  /\b((?:AKIA|ASIA|ABIA|ACCA))[A-Z0-9]{16}\b/g, // AWS access key ids
  /\b(gh[pousr]_)\w{20,}/g,
  /\b(github_pat_)\w{20,}/g,
  /\b(glpat-)[\w-]{16,}/g,
  /\b(xox[abeoprs]-)[\w-]{10,}/g, // Slack
  /\b((?:sk|rk|pk)[-_](?:live|test|proj|ant)[-_])[\w-]{10,}/g, // Stripe and others
  /\b(AIza)[\w-]{30,}/g, // Google
  /\b(hv[sbr]\.)[\w-]{20,}/g, // Vault
  /\b(npm_)\w{30,}/g,
  /\b(AGE-SECRET-KEY-1)[A-Z0-9]+/g,
  /\b(eyJ)[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, // JSON web tokens
  /(?<![\w.-])([\w.-]+:)\S{1,256}(?=@(?:tcp|udp|unix)\d?\()/g, // user:password of a Go data source name
  /(-----BEGIN [A-Z ]*PRIVATE KEY-----)[\s\S]*/g,
  // An AWS secret key: 40 characters of base64 on their own, of all three kinds; a git hash has no capitals.
  /(?<![\w+/.-])()(?=[^\s]{0,39}[a-z])(?=[^\s]{0,39}[A-Z])(?=[^\s]{0,39}\d)[A-Za-z0-9+][A-Za-z0-9+/]{39}(?![\w+/.-])/g,
]
