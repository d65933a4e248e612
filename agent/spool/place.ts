import { join } from 'node:path'
import type { BundleName } from '../bundle/keys.ts'

/** Version of what is laid down, the `1` of its path: see SPOOL.md. */
const SPOOL_VERSION = '1'

/** Where a spool has its things. */
export interface Place {
  /** The daemon's state directory, which others make. */
  readonly state: string
  /** A directory store: the objects, by their keys. */
  readonly objects: string
  /** A file for each bundle. */
  readonly records: string
}

/** The spool below the daemon's state directory. */
export function placeIn(state: string): Place {
  const root = join(state, 'spool', SPOOL_VERSION)
  return { state, objects: join(root, 'objects'), records: join(root, 'records') }
}

/** The record of one bundle. */
export function recordOf({ records }: Place, { bundle }: BundleName): string {
  return join(records, bundle)
}
