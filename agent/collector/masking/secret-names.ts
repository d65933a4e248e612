/** Which names say that their value is a secret, and which values are none all the same. */

/** What a name says of its value: a secret whatever it looks like, unless it is plainly something else, or if it looks random. */
export type Telling = 'surely' | 'likely' | 'perhaps'

/** Of a name only its end is looked at, so that looking costs the same for every name. */
const NAME_CHARACTERS = 96
/** Characters of a value that are looked at; a secret is recognised from fewer. */
export const VALUE_CHARACTERS = 512

/** Words of a name (`db-password`, `API_KEY`, `authToken`) whose value is a secret. */
const SURE_WORD =
  /^(?:\w*(?:password|passwd|passphrase|passcode|passwort|kennwort|secret|token|credential|(?:api|auth|access|account|license|master|private|secret|shared)key|pincode)s?|\w*(?:authorization|cookie|pwd)|\w*pw|pass|passin|passout|requirepass|masterauth|bearer|creds?|sig|signature|jwt|psk|mnemonic)\d*$/
/** `storepass`, `dbpass`, but not what only ends like it. */
const FUSED_PASS = /^(?!(?:by|com|encom|over|under|sur|tres|multi|single|low|high|band|one|two)pass$)\w+pass\d*$/
/** `key` after one of these is a secret; after others (`sort-key`, `ssh-key-file`) it need not be. */
const SURE_KEY = /(?:^|-)(?:api|access|account|auth|master|secret|shared|storage)-key\d*(?:-|$)/
/** All of a name: a PIN of a card is a secret; of a circuit, a processor or a map it is not. */
const PIN = /^(?:(?:so|user|old|new|card|token|login)-)?(?:pin|puk)(?:-code)?$/
const PHRASE = /(?:^|-)(?:(?:seed|recovery|backup|secret)-(?:phrase|words)|x-auth)$/
const CODE =
  /(?:^|-)(?:auth|authentication|verification|mfa|otp|totp|2fa|security|activation|recovery|pairing|access|login|backup)-codes?$/
/** The last word of a name that goes with a secret, a number, a path or a name: the value decides. */
const LIKELY_LAST = /^(?:key|passkey|otp|totp|hotp|seed|pat)\d*$/
/** Keys that order, find or encrypt to something: nothing is opened with them. */
const HARMLESS_KEY =
  /(?:^|-)(?:sort|sorting|order|primary|foreign|partition|public|pub|index|cache|row|group|routing|object|unique|shard|join|lookup|map|dict|idempotency|message|config|property|label|annotation|taint|field|column|hot|host|context|tag|range|dedup|topology|record|entry|search|filter|escape|compose)-key$/
/** Names that hold a secret word, but whose value tells where, how or how much. */
const HARMLESS_LAST =
  /^(?:files?|paths?|dir|directory|folder|url|uri|endpoint|host|port|server|names?|type|kind|class|format|version|ttl|length|len|timeout|expiry|expires|expiration|lifetime|days|age|interval|size|bits|count|limit|max|min|policy|provider|mode|method|plugin|helper|manager|prompt|stdin|algorithm|algo|fd|env|store|jar|browser|cmd|command|script|location|required|enabled|root|home|namespace|selector|arn|bucket)$/
/** `--max-tokens 5`, `--no-password`, `--ask-pass`, `--show-secrets`: no value, or none that is one. */
const HARMLESS_FIRST = /^(?:no|not|max|min|num|ask|show|print|list|generate|reset|skip|enable|disable)$/
/** Names that may go with a secret. */
const WEAK_WORD =
  /^(?:key|auth|session|sid|sess|hash|salt|seed|otp|code|licen[cs]e|serial|cert|encrypt|mfa|totp|pat|webhook)\d*$/

/** Something that is in every name above: most names of a command line say nothing, and are done with at once. */
const HINT =
  /pass|pw|wort|secret|token|cred|key|pin|puk|auth|cookie|bearer|sig|jwt|psk|mnemonic|code|phrase|words|otp|seed|pat|sess|sid|hash|salt|licen|serial|cert|encrypt|mfa|webhook/i

const HARMLESS_VALUE =
  /^(?:|true|false|yes|no|none|null|on|off|[01]|stdin|prompt|file|env|env:[A-Za-z_]\w*|fd:\d+|file:.*)$/i

/** What a name says of its value; undefined for a name that says nothing. Dashes before it do not matter. */
export function tellingOf(name: string): Telling | undefined {
  if (!HINT.test(name.slice(-NAME_CHARACTERS))) return undefined
  const words = wordsOf(name)
  const last = words.at(-1) ?? ''
  if (HARMLESS_LAST.test(last)) return undefined
  if (words.length > 1 && HARMLESS_FIRST.test(words[0] ?? '')) return undefined
  const whole = words.join('-')
  if (words.some((word) => SURE_WORD.test(word) || FUSED_PASS.test(word))) return 'surely'
  if (SURE_KEY.test(whole) || PIN.test(whole) || PHRASE.test(whole)) return 'surely'
  if ((LIKELY_LAST.test(last) && !HARMLESS_KEY.test(whole)) || CODE.test(whole)) return 'likely'
  return words.some((word) => WEAK_WORD.test(word)) ? 'perhaps' : undefined
}

/** The same where names stand for themselves, as in JSON or a program: `"key": "x"` says less than `--key x`. */
export function tellingInProse(name: string): Telling | undefined {
  const telling = tellingOf(name)
  return telling === 'likely' && wordsOf(name).length === 1 ? 'perhaps' : telling
}

/** Whether a value is hidden that goes by a name that says so much. */
export function isSecret(telling: Telling | undefined, given: string): boolean {
  const value = unquoted(given.slice(0, VALUE_CHARACTERS))
  if (telling === undefined || HARMLESS_VALUE.test(value)) return false
  if (telling === 'perhaps') return looksRandom(value)
  return telling === 'surely' || !isPlainlyElse(value)
}

/** `--dbPassword`, `DB_PASSWORD`, `db.password` → db, password */
function wordsOf(name: string): readonly string[] {
  const split = name.slice(-NAME_CHARACTERS).replace(/([a-z0-9])([A-Z])/g, '$1-$2')
  return split
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
}

/** Sixteen or more characters of base64 or hex with both letters and digits, and no path. */
function looksRandom(value: string): boolean {
  return /^[\w+/=-]{16,}$/.test(value) && /\d/.test(value) && /[a-z]/i.test(value) && !value.startsWith('/')
}

const PLAINLY_ELSE: readonly RegExp[] = [
  // A small number, columns of `sort`, an address with its port: a one-time password has six digits.
  /^\d{1,4}[a-z]{0,2}(?:[.,:]\d{1,5}[a-z]{0,2})*$/i,
  // A short name, or several: `--key id`, `--key name,age`.
  /^[a-z]{1,4}$/i,
  /^[a-z_]+(?:,[a-z_]+)+$/i,
  // A path, or a file by what its name ends in.
  /^(?:~|\.{1,2})?(?:\/[\w.@%:+-]+)+\/?$/,
  /^[\w.@%:+/-]+\.(?:pem|key|crt|cer|der|csr|p12|pfx|jks|json|ya?ml|toml|txt|conf|cfg|ini|pub|asc|gpg|age|jwk|ppk|bin|env|xml|html|csv|log|gz|tgz|zip|tar|zst|jpe?g|png|parquet)$/i,
  // A host, a dotted name of a setting, a host with its port.
  /^[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)+(?::\d{1,5})?$/,
  /^[a-z][a-z0-9-]*:\d{2,5}$/,
  // What stands for the value, and what has names of its own, each looked at by itself.
  /^(?:\$\{?\w+\}?|@[./~].*|[{[].*)$/s,
  /^(?:arn|pkcs11|awskms|gcpkms|azurekms|hashivault|kms|tpm2?|https?|s3|alias)[:/]/i,
]

function isPlainlyElse(value: string): boolean {
  return PLAINLY_ELSE.some((shape) => shape.test(value))
}

function unquoted(value: string): string {
  return value.replace(/^["']|["']$/g, '')
}
