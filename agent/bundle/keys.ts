import { randomBytes } from 'node:crypto'

/** Version of the bundle format, the `v1` of every key: see BUNDLE.md. */
export const BUNDLE_VERSION = 1

/** What a host may be called in a key: nothing that a store, a shell or a URL would take apart. */
export const IDENTITY = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/
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
  return new Date(at).toISOString().replace(/[-:]|\.\d+/g, '')
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

/** The empty object that says "begun". */
export function openKey(name: BundleName): string {
  return `${indexFolder(name)}${name.bundle}.open`
}

/** The flat row that says how it ended. */
export function rowKey(name: BundleName, status: BundleStatus): string {
  return `${indexFolder(name)}${name.bundle}.${status}.json`
}

/** What the closing manifest says of the bundle as a whole. Open without a row is *interrupted*: see `IndexEntry`. */
export type BundleStatus = 'complete' | 'partial'

export type IndexEntry = BundleName & { readonly mark: 'open' | BundleStatus }

/** Takes an index key apart; undefined for a key that no capture writes: another day than its id's, a time of no calendar. */
export function parseIndexKey(key: string): IndexEntry | undefined {
  const match = /^v1\/index\/dt=(\d{4}-\d\d-\d\d)\/([^/]+)\/([^./]+)\.(open|(complete|partial)\.json)$/.exec(key)
  const [, day, identity, bundle, mark] = match ?? []
  if (identity === undefined || bundle === undefined || !IDENTITY.test(identity)) return undefined
  if (!isBundleId(bundle) || bundleDay(bundle) !== day) return undefined
  return { identity, bundle, mark: mark === 'open' ? 'open' : mark === 'complete.json' ? 'complete' : 'partial' }
}

/** Whether a text is a bundle id, of a time that there is. */
export function isBundleId(text: string): boolean {
  return BUNDLE_ID.test(text) && text.startsWith(stampOf(bundleTime(text)))
}

/** Suffix of a sealed object. */
export const SEALED_SUFFIX = '.age'

/** The key below the bundle's prefix of an artifact's n-th segment (0 is the object itself, then `.001`, …). */
export function segmentName(name: string, segment: number): string {
  return segment === 0 ? name : `${name}.${String(segment).padStart(3, '0')}`
}
