/** How programs take secrets under names that tell nothing: a table, from their manual pages. */
export interface SecretRule {
  readonly names: RegExp
  /** Holds only for what stands behind this word: `docker login`, and not `docker run`. */
  readonly after?: RegExp
  /** The secret is the argument after this one. */
  readonly next?: RegExp
  /** Of that argument, the first group is kept; without it nothing is. */
  readonly value?: RegExp
  /** The secret is in the argument itself; the first group is kept, and the second. */
  readonly within?: RegExp
  /** The secret is the n-th argument that is no flag, and what follows it; counted from `after`. */
  readonly operand?: number
}

const USER = /^([^:]*:).+/s
const PAIR = /^([\w.-]+=).+/s

const RULES: readonly SecretRule[] = [
  // Databases
  { names: /^(?:mysql(?:admin|dump|import|sh|show|slap|check|binlog)?|mariadb(?:-\w+)?|mytop)$/, within: /^(-p).+/s },
  { names: /^(?:mycli|mydumper|myloader|cqlsh|cypher-shell|couchbase-cli|cbq|beeline|rabbitmqadmin)$/, next: /^-p$/ },
  { names: /^(?:mongo(?:sh|dump|restore|export|import|stat|top|files)?|pt-[\w-]+)$/, next: /^-p$/, within: /^(-p).+/s },
  { names: /^(?:redis|valkey|keydb)-(?:cli|benchmark)$/, next: /^-a$/, within: /^(-a).+/s },
  { names: /^(?:sqlcmd|bcp|mssql-cli|osql|tsql|sqsh)$/, next: /^-P$/, within: /^(-P).+/s },
  { names: /^isql$/, operand: 3 },
  { names: /^db2$/, next: /^using$/i },
  { names: /^(?:sqlplus|sqlldr|rman|expdp|impdp|exp|imp)$/, within: /^([\w$#"]+\/)[^@\s]+(@.*)?$/s },
  // Directories, mail, messages, management
  { names: /^ldap(?:search|modify|add|delete|passwd|whoami|compare)$/, next: /^-[a-zA-Z]*w$/, within: /^(-w).+/s },
  { names: /^ldappasswd$/, next: /^-[as]$/ },
  { names: /^slappasswd$/, next: /^-s$/ },
  { names: /^ipa-client-install$/, next: /^-w$/ },
  { names: /^ipa-(?:server|replica)-install$/, next: /^-[pa]$/ },
  { names: /^radtest$/, operand: 2 },
  { names: /^radclient$/, operand: 3 },
  { names: /^doveadm$/, after: /^pw$/, next: /^-p$/ },
  { names: /^doveadm$/, after: /^test$/, operand: 2 },
  { names: /^kadmin(?:\.local)?$/, next: /^-w$/ },
  { names: /^(?:mosquitto_(?:pub|sub|rr))$/, next: /^-P$/, within: /^(-P).+/s },
  { names: /^rabbitmqctl$/, after: /^(?:add_user|change_password|authenticate_user)$/, operand: 2 },
  { names: /^swaks$/, next: /^-ap$/ },
  { names: /^ipmitool$/, next: /^-[Pky]$/, within: /^(-P).+/s },
  { names: /^ipmitool$/, after: /^password$/, operand: 2 },
  { names: /^(?:racadm|hponcfg|ilorest|esxcli|rdesktop|twine|veracrypt|add-user(?:\.sh)?)$/, next: /^-p$/ },
  {
    names: /^(?:snmp(?:bulk)?(?:get|getnext|walk|set|table|status|trap|inform)|check_snmp)$/,
    next: /^-[cACX]$/,
    within: /^(-[cACX]).+/s,
  },
  { names: /^check_(?:mysql|mysql_query|pgsql|mssql)$/, next: /^-p$/, within: /^(-p).+/s },
  { names: /^(?:dig|nsupdate|delv)$/, next: /^-y$/, value: /^(.*:)[^:]+$/s },
  // Logging in, and keeping passwords
  { names: /^sshpass$/, next: /^-v?p$/, within: /^(-p).+/s },
  {
    names: /^(?:docker|podman|nerdctl|buildah|skopeo|crane|helm|oc|az|cf|kcadm(?:\.sh)?)$/,
    after: /^(?:login|credentials)$/,
    next: /^-p$/,
    within: /^(-p)[^=].*/s,
  },
  { names: /^(?:user|group)(?:add|mod)$/, next: /^-[a-zA-Z]*p$/, within: /^(-p).+/s },
  { names: /^(?:htpasswd|mosquitto_passwd)$/, after: /^-[a-zA-Z]*b/, operand: 3 },
  { names: /^htpasswd$/, after: /^-(?:[a-zA-Z]*n[a-zA-Z]*b|[a-zA-Z]*b[a-zA-Z]*n)/, operand: 2 },
  { names: /^mkpasswd$/, operand: 1 },
  { names: /^wpa_passphrase$/, operand: 2 },
  { names: /^iwconfig$/, next: /^key$/ },
  { names: /^smbclient$/, next: /^(?:\/\/|\\\\)[^/\\]+[/\\][^/\\]+$/, value: /^(?!-)().+/s },
  { names: /^(?:x|w|sdl-)?freerdp\d?$/, within: /^(\/g?p:).+/s },
  { names: /^(?:grafana|grafana-cli)$/, after: /^reset-admin-password$/, operand: 1 },
  { names: /^vault$/, after: /^(?:login|unseal)$/, operand: 1 },
  { names: /^vault$/, after: /^(?:put|write|patch)$/, within: PAIR },
  { names: /^bw$/, after: /^unlock$/, operand: 1 },
  { names: /^bw$/, after: /^login$/, operand: 2 },
  { names: /^cargo$/, after: /^login$/, operand: 1 },
  { names: /^iscsiadm$/, after: /auth\.password/, next: /^-v$/ },
  { names: /^virsh$/, after: /^secret-set-value$/, operand: 2 },
  { names: /^rclone$/, after: /^obscure$/, operand: 1 },
  // Secrets of clouds and clusters
  { names: /^(?:kubectl|oc|k3s|microk8s)$/, after: /^secrets?$/, next: /^--from-literal$/, value: PAIR },
  { names: /^(?:kubectl|oc|k3s|microk8s)$/, after: /^secrets?$/, within: /^(--from-literal=["']?[\w.-]+=).+/s },
  { names: /^aws$/, after: /^put-parameter$/, next: /^--value$/, within: /^(--value=).+/s },
  { names: /^az$/, after: /^secret$/, next: /^--value$/, within: /^(--value=).+/s },
  { names: /^gh$/, after: /^secret$/, next: /^(?:-b|--body)$/, within: /^(--body=|-b).+/s },
  { names: /^(?:fly|flyctl|heroku)$/, after: /^(?:secrets|config:set)$/, within: PAIR },
  { names: /^doctl$/, next: /^-t$/ },
  { names: /^mc$/, after: /^https?:\/\//, operand: 1 },
  { names: /^(?:dotnet|nuget)$/, after: /^push$/, next: /^-k$/ },
  // Transfer, archives, keys
  { names: /^curl$/, next: /^-[a-zA-Z#]*b$/, value: /^([^=]+=).+/s },
  { names: /^curl$/, next: /^-[a-zA-Z#]+[uU]$/, value: USER },
  { names: /^curl$/, next: /^(?:-E|--cert|--proxy-cert)$/, value: USER },
  { names: /^(?:https?|xhs?)$/, next: /^-a$/, value: /^([^:]*:)?.+/s },
  { names: /^(?:ab|check_http|check_curl)$/, next: /^-[aAP]$/, value: USER },
  { names: /^lftp$/, next: /^-u$/, value: /^([^,]+,).+/s },
  { names: /^(?:ncftp(?:get|put|ls)?|yt-dlp|youtube-dl)$/, next: /^-p$/ },
  { names: /^(?:zip|unzip|zipcloak)$/, next: /^-P$/, within: /^(-P).+/s },
  { names: /^(?:7z[arz]?|rar|unrar)$/, within: /^(-h?p)[^=].*/s },
  { names: /^ssh-keygen$/, next: /^-[NP]$/ },
  { names: /^pk12util$/, next: /^-[WK]$/ },
  { names: /^openssl$/, next: /^-(?:[kK]|hmac)$/ },
  { names: /^openssl$/, next: /^-(?:macopt|pkeyopt)$/, value: /^((?:hex)?(?:key|pass|secret):).+/s },
  { names: /^openssl$/, after: /^passwd$/, operand: 1 },
  { names: /^(?:qemu(?:-[\w-]+)?|kvm)$/, next: /^-?-object$/, value: /^(secret,(?:.*,)?data=)[^,]+/s },
]

/** All the names at once: most words are no program's, and every word is asked. */
const ANY = new RegExp(RULES.map(({ names }) => names.source).join('|'))
/** Longer than any program's name. */
const NAME_CHARACTERS = 64

/** The rules of the program that a word names, by its name or path; none for any other word. */
export function secretRules(word: string): readonly SecretRule[] {
  const name = word.slice(word.lastIndexOf('/') + 1)
  return name.length > NAME_CHARACTERS || !ANY.test(name) ? [] : RULES.filter(({ names }) => names.test(name))
}
