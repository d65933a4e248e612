import { bucketPolicy } from './bucket.ts'
import { encryption, objectLock } from './defaults.ts'
import { hostPolicy } from './host.ts'
import type { KmsKey } from './key.ts'
import { lifecycle, type Retention } from './lifecycle.ts'
import { operatorPolicy } from './operator.ts'
import type { Place } from './place.ts'
import { salvagerPolicy } from './salvager.ts'
import type { Policy } from './statement.ts'

/** What is asked for on the command line. */
export interface Wish {
  readonly place: Place
  /** Whose names the host's policy allows: see `checkHost`. */
  readonly host: string
  readonly key: KmsKey | undefined
  readonly retention: Retention
}

/** All parts, in the order in which a bucket is set up. */
export const PART_NAMES = ['encryption', 'lock', 'bucket', 'host', 'operator', 'salvager', 'lifecycle'] as const
export type PartName = (typeof PART_NAMES)[number]

/** The parts that are policies of a role. */
export const ROLES = ['host', 'operator', 'salvager'] as const
export type RoleName = (typeof ROLES)[number]

/** The documents that the wish comes to; `encryption` without a key and `lock` without a lock are none. */
export interface Parts extends Readonly<Record<RoleName | 'bucket', Policy>> {
  readonly encryption?: ReturnType<typeof encryption>
  readonly lock?: ReturnType<typeof objectLock>
  readonly lifecycle: ReturnType<typeof lifecycle>
}

export function partsOf({ place, host, key, retention }: Wish): Parts {
  return {
    ...(key === undefined ? {} : { encryption: encryption(key) }),
    ...(retention.lock === undefined ? {} : { lock: objectLock(retention.lock) }),
    bucket: bucketPolicy(place, key),
    host: hostPolicy(place, host, key),
    operator: operatorPolicy(place, key),
    salvager: salvagerPolicy(place, key),
    lifecycle: lifecycle(place, retention),
  }
}
