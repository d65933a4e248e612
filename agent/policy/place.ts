import { HOSTS_PREFIX, INDEX_PREFIX } from '../bundle/keys.ts'
import { cannot } from '../words/cannot.ts'
import { IDENTITY } from '../words/identity.ts'

/** Where bundles lie, in the words of a policy. */
export interface Place {
  readonly bucket: string
  /** Before every key: empty, or with a trailing slash. */
  readonly prefix: string
  /** The second part of every ARN: `aws`, `aws-cn`, `aws-us-gov`. */
  readonly partition: string
}

/**
 * One day of the index. Ten single characters and no star: a star in a policy matches slashes too, and `dt=*` followed by
 * a host's name would let that host write below the names of others (`dt=2026-11-30/other/name/…`).
 */
const ANY_DAY = 'dt=????-??-??'

/** What a policy would take for a wildcard or a variable, and Terraform for a template. */
const MEANS_SOMETHING = /[*?${}%&\p{Cc}]/u

/** The place of a store. `region` tells the partition. Throws for a prefix that a policy cannot name. */
export function placeOf(location: { bucket: string; prefix: string }, region: string | undefined): Place {
  const { bucket, prefix } = location
  if (MEANS_SOMETHING.test(prefix)) {
    throw cannot(
      `write a policy for the prefix ${JSON.stringify(prefix)}`,
      'a policy reads "*", "?", "$", "{", "}", "%" and "&" as something else: choose a prefix without them',
    )
  }
  const partition = region?.startsWith('cn-') ? 'aws-cn' : region?.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
  return { bucket, prefix, partition }
}

export function bucketArn({ bucket, partition }: Place): string {
  return `arn:${partition}:s3:::${bucket}`
}

/** Objects whose keys, below the prefix, match a pattern. */
export function objectsArn(place: Place, pattern: string): string {
  return `${bucketArn(place)}/${place.prefix}${pattern}`
}

/** Prefixes of all that lastgasp writes, with the store's own prefix, as a listing names them. */
export function prefixes({ prefix }: Place): readonly string[] {
  return [`${prefix}${HOSTS_PREFIX}`, `${prefix}${INDEX_PREFIX}`]
}

/** All that lastgasp writes. */
export function everything(place: Place): readonly string[] {
  return [HOSTS_PREFIX, INDEX_PREFIX].map((prefix) => objectsArn(place, `${prefix}*`))
}

/** What the hosts of a name write: their bundles, and their marks and rows in the index of every day. */
export function keysOfHost(place: Place, host: string): readonly string[] {
  return [objectsArn(place, `${HOSTS_PREFIX}${host}/*`), objectsArn(place, `${INDEX_PREFIX}${ANY_DAY}/${host}/*`)]
}

/** Rows that salvage writes into the index: `<bundle>.salvaged.…` of any host and day. */
export function salvagedRows(place: Place): string {
  return objectsArn(place, `${INDEX_PREFIX}${ANY_DAY}/*/*.salvaged.*`)
}

/**
 * Policy variables (IAM User Guide, "Variables and tags") whose value can be a host's identity: the name of an IAM user,
 * a tag of the role or of its session, the source identity of a session.
 */
const VARIABLE = /^\$\{aws:(username|SourceIdentity|PrincipalTag\/[\w.:/=+@-]{1,128})\}$/
const PATTERN = /^[A-Za-z0-9*?][A-Za-z0-9._*?-]{0,127}$/

/**
 * Checks what `--host` says: an identity, a pattern with `*` and `?`, or a policy variable that IAM replaces by something
 * that an identity can be. Throws with what to write instead.
 */
export function checkHost(host: string): string {
  if (IDENTITY.test(host) || PATTERN.test(host) || VARIABLE.test(host)) return host
  throw cannot(`name hosts by ${JSON.stringify(host)}`, why(host))
}

function why(host: string): string {
  if (/^\$\{(aws:userid|ec2:SourceInstanceARN|aws:PrincipalArn)\}$/i.test(host)) {
    return 'its value has a ":" in it, which no identity has; see POLICY.md, "One role for many hosts"'
  }
  if (host.startsWith('$')) {
    return `the variables that can be an identity are '\${aws:username}', '\${aws:PrincipalTag/NAME}' and '\${aws:SourceIdentity}'`
  }
  return `write an identity (letters, digits, ".", "_", "-"), a pattern such as "web-*", or a policy variable such as '\${aws:username}'`
}
