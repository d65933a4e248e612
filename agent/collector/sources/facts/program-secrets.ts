/** How programs take secrets under names that tell nothing: a small table, from their manual pages. */
export interface SecretRule {
  readonly names: RegExp
  /** Holds only once the program has this word behind it: `docker login`, and not `docker run`. */
  readonly after?: RegExp
  /** The secret is the argument after this one. */
  readonly next?: RegExp
  /** Of that argument, the first group is kept; without it nothing is. */
  readonly value?: RegExp
  /** The secret is in the argument itself; the first group is kept, and the second. */
  readonly within?: RegExp
  /** The secret is the n-th argument that is no flag, and what follows it. */
  readonly operand?: number
}

const RULES: readonly SecretRule[] = [
  { names: /^(?:mysql(?:admin|dump|import|sh)?|mariadb(?:-admin|-dump|-import)?|7z[ar]?)$/, within: /^(-p).+/s },
  { names: /^mongo(?:sh|dump|restore|export|import|stat|top|files)?$/, next: /^-p$/, within: /^(-p).+/s },
  { names: /^sshpass$/, next: /^-p$/, within: /^(-p).+/s },
  { names: /^redis-cli$/, next: /^-a$/, within: /^(-a).+/s },
  { names: /^ldap(?:search|modify|add|delete|passwd|whoami)$/, next: /^-w$/, within: /^(-w).+/s },
  { names: /^(?:zip|unzip|sqlcmd|bcp|ipmitool|mosquitto_[ps]ub)$/, next: /^-P$/, within: /^(-P).+/s },
  { names: /^(?:docker|podman|nerdctl|buildah|skopeo|crane|helm|oc|az|cf)$/, after: /^login$/, next: /^-p$/ },
  { names: /^(?:user|group)(?:add|mod)$/, next: /^-p$/, within: /^(-p).+/s },
  {
    names: /^snmp(?:bulk)?(?:get|getnext|walk|set|table|status|trap|inform)$/,
    next: /^-[cAX]$/,
    within: /^(-[cAX]).+/s,
  },
  { names: /^openssl$/, next: /^-[kK]$/ },
  { names: /^openssl$/, after: /^passwd$/, operand: 2 },
  { names: /^htpasswd$/, after: /^-\w*b/, operand: 3 },
  { names: /^htpasswd$/, after: /^-(?:n\w*b|b\w*n)/, operand: 2 },
  { names: /^lftp$/, next: /^-u$/, value: /^([^,]+,).+/s },
  { names: /^curl$/, next: /^-b$/, value: /^([^=]+=).+/s },
  { names: /^(?:sqlplus|sqlldr|rman|expdp|impdp)$/, within: /^([\w$#"]+\/)[^@\s]+(@.*)?$/s },
  { names: /^(?:x|w|sdl-)?freerdp\d?$/, within: /^(\/g?p:).+/s },
  { names: /^rdesktop$/, next: /^-p$/ },
]

/** The rules of the program that a word names, by its name or path; none for any other word. */
export function secretRules(word: string): readonly SecretRule[] {
  const name = word.slice(word.lastIndexOf('/') + 1)
  return RULES.filter(({ names }) => names.test(name))
}
