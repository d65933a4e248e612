import { randomBytes } from 'node:crypto'
import { IDENTITY } from '../words/identity.ts'
import { isoSecond } from '../words/instant.ts'

/** Version of the bundle format, the `v1` of every key: see BUNDLE.md. */
export const BUNDLE_VERSION = 1

const BUNDLE_ID = /^\d{8}T\d{6}Z-[0-9a-f]{16}$/

export interface BundleName {
  readonly identity: string
  /** `<UTC yyyymmddThhmmssZ>-<16 hex digits at random>` */
  readonly bundle: string
}

/** A new bundle's name for a host. `now` in ms since the epoch. */
export function newBundle(identity: string, now: number): BundleName {
  return { identity, bundle: `${stampOf(now)}-${randomBytes(8).toString('hex')}` }
}

/** `yyyymmddThhmmssZ` */
function stampOf(at: number): string {
  return isoSecond(at)?.replace(/[-:]/g, '') ?? '00000000T000000Z'
}

/** Where all objects of a bundle lie, with the trailing slash. */
export function bundlePrefix({ identity, bundle }: BundleName): string {
  return `v${BUNDLE_VERSION}/hosts/${identity}/${bundle}/`
}

export const HOSTS_PREFIX = `v${BUNDLE_VERSION}/hosts/`
export const INDEX_PREFIX = `v${BUNDLE_VERSION}/index/`

/** The day (UTC, `YYYY-MM-DD`) under which a bundle is indexed: that of its id, so that it can be found from the id. */
export function bundleDay(bundle: string): string {
  return `${bundle.slice(0, 4)}-${bundle.slice(4, 6)}-${bundle.slice(6, 8)}`
}

/** ms since the epoch at which the bundle was begun, to the second. */
export function bundleTime(bundle: string): number {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(bundle) ?? []
  return Date.UTC(Number(y), Number(mo) - 1, Number(d), Number(h), Number(mi), Number(s))
}

const indexFolder = ({ identity, bundle }: BundleName) => `${INDEX_PREFIX}dt=${bundleDay(bundle)}/${identity}/`

/**
 * The empty object that says "begun". `seconds`: how long after the store's date of this object the capture can still be
 * running at most, so that a listing alone tells which of them must have ended.
 */
export function openKey(name: BundleName, seconds: number): string {
  return `${indexFolder(name)}${name.bundle}.${Math.min(Math.ceil(seconds), MOST_OPEN_SECONDS)}.open`
}

/** The flat row that says how it ended, and what of. `before`: it is about the boot before its host's own, by trigger `previous-boot`. */
export function rowKey(name: BundleName, status: BundleStatus, why: Why, before = false): string {
  return `${indexFolder(name)}${name.bundle}.${status}.${why}${before ? '.before' : ''}.json`
}

/** A day: no capture runs as long, and no mark can make a reader wait for longer. */
export const MOST_OPEN_SECONDS = 86_400

/**
 * How a bundle was closed. `complete`, `partial`: by its host's manifest. `salvaged`: from what had arrived. Best first: of several
 * rows of one bundle the first of these counts.
 */
export const STATUSES = ['complete', 'partial', 'salvaged'] as const
export type BundleStatus = (typeof STATUSES)[number]

/** What a host died of, as far as its evidence tells: the kind of its first finding. */
export const KINDS = ['healthy', 'crash', 'oom', 'panic', 'hang', 'exhausted', 'failed', 'unknown'] as const
export type Why = (typeof KINDS)[number]

export type Mark =
  | { readonly kind: 'open'; readonly seconds: number }
  | { readonly kind: 'row'; readonly status: BundleStatus; readonly why: Why; readonly before: boolean }

export type IndexEntry = BundleName & { readonly mark: Mark }

const INDEX_KEY =
  /^v1\/index\/dt=(\d{4}-\d\d-\d\d)\/([^/]+)\/([^./]+)\.(?:(\d{1,5})\.open|([a-z]+)\.([a-z]+)(\.before)?\.json)$/

/** Takes an index key apart; undefined for a key that no capture writes: another day than its id's, a time of no calendar. */
export function parseIndexKey(key: string): IndexEntry | undefined {
  const [, day, identity, bundle, seconds, ...row] = INDEX_KEY.exec(key) ?? []
  if (identity === undefined || bundle === undefined || !IDENTITY.test(identity)) return undefined
  if (!isBundleId(bundle) || bundleDay(bundle) !== day) return undefined
  if (seconds === undefined) {
    const status = STATUSES.find((one) => one === row[0])
    const why = KINDS.find((one) => one === row[1])
    return status && why && { identity, bundle, mark: { kind: 'row', status, why, before: row[2] !== undefined } }
  }
  if (Number(seconds) > MOST_OPEN_SECONDS) return undefined
  return { identity, bundle, mark: { kind: 'open', seconds: Number(seconds) } }
}

/** Whether a text is a bundle id, of a time that there is. */
export function isBundleId(text: string): boolean {
  return BUNDLE_ID.test(text) && text.startsWith(stampOf(bundleTime(text)))
}

/** A key without the store's own prefix and without suffixes: of the 1024 bytes that S3 allows, these are left for both. */
const KEY_BYTES = 900
/** Most bytes of an artifact's name, so that its key is one whatever the host is called: an identity has 128 characters, an id 33. */
export const ARTIFACT_NAME_BYTES = KEY_BYTES - `${HOSTS_PREFIX}${'i'.repeat(128)}/${'b'.repeat(33)}/`.length

/** What a host alone says of a bundle of its own. */
export const DOCUMENTS = ['opening.json', 'plan.json', 'manifest.json'] as const
/** What a salvager says of one: `salvage.json`, and `salvage.json.001` and so on where more was to be said later. */
export const SALVAGE = 'salvage.json'
const SALVAGES = /^salvage\.json(?:\.\d{3})?$/

/** Whether an object of a bundle, by its name there, says something of it, and is no evidence itself. */
export function isDocument(name: string): boolean {
  return SALVAGES.test(name) || DOCUMENTS.some((document) => document === name)
}

/** Suffix of a sealed object. */
export const SEALED_SUFFIX = '.age'
/** Suffix, behind all others, of an object that came later than what may lie under its own name: see ../spool/SPOOL.md. */
export const AGAIN_SUFFIX = '.again'

/** Which bundle an object or an index entry belongs to, by its key; undefined for a key that no capture writes. */
export function bundleOf(key: string): BundleName | undefined {
  const [, identity, bundle] = /^v1\/hosts\/([^/]+)\/([^/]+)\/./.exec(key) ?? []
  if (identity === undefined || bundle === undefined) return parseIndexKey(key)
  return IDENTITY.test(identity) && isBundleId(bundle) ? { identity, bundle } : undefined
}

/** The name or key of the n-th segment of an object (0 bears the object's own, then `.001`, …). */
export function segmentName(name: string, segment: number): string {
  return segment === 0 ? name : `${name}.${String(segment).padStart(3, '0')}`
}
