/** What obvious secrets look like, wherever they stand. */

/** What stands in place of a secret. */
export const HIDDEN = '***'

/**
 * The first group, if any, is kept. Each costs time in proportion to the text: what it begins with can begin only at
 * the edge of a word, or what follows has a bound.
 */
const SHAPES: readonly RegExp[] = [
  /(?<![A-Z0-9])((?:AKIA|ASIA|ABIA|ACCA))[A-Z0-9]{16}(?![A-Z0-9])/g, // AWS access key ids
  /\b(gh[pousr]_)\w{20,}/g,
  /\b(github_pat_)\w{20,}/g,
  /\b(gl(?:pat|dt|rt|sa)[-_])[\w-]{16,}/g, // GitLab, Grafana
  /\b(xox[abeoprs]-|xapp-)[\w-]{10,}/g, // Slack
  /\b((?:sk|rk|pk)[-_](?:live|test|proj|ant)[-_])[\w-]{10,}/g, // Stripe and others
  /\b(whsec_)[\w+/=]{16,}/g,
  /(?<![\w-])(sk-)\w{20,}/g,
  /\b(AIza)[\w-]{30,}/g, // Google
  /\b(ya29\.)[\w-]{20,}/g,
  /\b(hv[sbr]\.)[\w-]{20,}/g, // Vault
  /\b(npm_)\w{30,}/g,
  /\b(pypi-)[\w-]{40,}/g,
  /\b((?:dop|doo)_v1_|dckr_pat_|hf_|shp(?:at|ca|pa|ss)_)[\w-]{20,}/g,
  /\b(tskey-[a-z]{2,16}-)[\w-]{8,}/g, // Tailscale
  /(?<![\w.-])(SG\.)[\w-]{16,64}\.[\w-]{16,}/g, // SendGrid
  /(?<!\d)(\d{8,10}:)AA[\w-]{33}(?![\w-])/g, // Telegram
  /(hooks\.slack\.com\/(?:services|workflows)\/)[\w/-]+/g,
  /(discord(?:app)?\.com\/api\/webhooks\/\d{1,24}\/)[\w-]+/g,
  /\b(AGE-SECRET-KEY-(?:PQ-)?1|AGE-PLUGIN-[A-Z0-9]{1,32}-1)[A-Z0-9]+/gi,
  /(?<![\w-])(eyJ)[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, // JSON web tokens
  /(?<![\w.-])([\w.-]{1,64}:)\S{1,64}(?=@(?:tcp|udp|unix)\d?\()/g, // user:password of a Go data source name
  /(-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----)[\s\S]*/g,
  // An AWS secret key: 40 characters of base64 on their own, of all three kinds; a git hash has no capitals.
  /(?<![\w+/.-])()(?=[^\s]{0,39}[a-z])(?=[^\s]{0,39}[A-Z])(?=[^\s]{0,39}\d)[A-Za-z0-9+][A-Za-z0-9+/]{39}(?![\w+/.-])/g,
  // What a script feeds to a program that asks for a password.
  /(?<!\w)((?:echo|printf)\s)[^|;&\n]{1,256}?(?=\s{0,16}\|[^|;&\n]{0,128}(?:chpasswd|passwd\b|-stdin\b|sudo -S|passphrase-fd|cryptsetup|smbpasswd))/g,
]

/** A text without what is a secret by its shape. */
export function maskShapes(text: string): string {
  return SHAPES.reduce((masked, shape) => masked.replace(shape, `$1${HIDDEN}`), text)
}

/** What the kernel's audit says of commands, where nobody else listens: `proctitle=` is a command line in hex. */
export function maskAudit(line: string): string {
  if (!line.includes('audit')) return line
  const isExecve = /\btype=(?:1309|EXECVE)\b/.test(line)
  return line.replace(isExecve ? /(?<!\w)(a[1-9][\d[\]]{0,8}=)\S+/g : /(?<!\w)(proctitle=)\S+/g, `$1${HIDDEN}`)
}

/** The password of `scheme://user:password@host`, or a token that stands in the user's place. */
export function maskUrls(word: string): string {
  if (!word.includes('://')) return word
  let masked = ''
  let done = 0
  for (let at = word.indexOf('://'); at !== -1; at = word.indexOf('://', done)) {
    const begin = at + 3
    // The next address begins a new one; a blank or a quote ends it. What is between the last @ and it names the host.
    const next = word.indexOf('://', begin)
    const address = /^[^\s"'<>]*/.exec(word.slice(begin, next === -1 ? word.length : next))?.[0] ?? ''
    masked += word.slice(done, begin) + maskAuthority(address)
    done = begin + address.length
  }
  return masked + word.slice(done)
}

/** `user:password@host/path`, of which the password may hold anything; a port is none. */
function maskAuthority(rest: string): string {
  const user = /^[^:@/]*/.exec(rest)?.[0] ?? ''
  const after = rest.slice(user.length)
  if (after.startsWith('@')) return /^[\w-]{16,}$/.test(user) ? HIDDEN + after : rest
  const last = after.lastIndexOf('@')
  if (!after.startsWith(':') || last < 2 || /^:\d{1,5}\//.test(after)) return rest
  return `${user}:${HIDDEN}${after.slice(last)}`
}

/** `user:password`, or Samba's `domain/user%password`; ids such as 1000:1000 stay. */
export function maskUser(word: string): string {
  if (word.includes('://')) return maskUrls(word)
  return /^\d+:\d+$/.test(word) ? word : word.replace(/^((?:[^:%/\\]+[/\\])?[^:%/\\]+[:%])(.+)$/s, `$1${HIDDEN}`)
}
