import { BUNDLE_VERSION } from '../bundle/keys.ts'
import { cannot } from '../words/cannot.ts'
import type { Place } from './place.ts'

/**
 * Least days that an unfinished upload stays. It is all that there is of what a host was sending when it died, and whoever
 * comes back from a week away should still find it.
 */
export const LEAST_UNFINISHED_DAYS = 7

export interface Retention {
  /** Days after which bundles are deleted; undefined: never. */
  readonly keep: number | undefined
  /** Days after which what is left of an unfinished upload is deleted. */
  readonly unfinished: number
  /** Object Lock: days in which nobody can delete a bundle; undefined: no lock. */
  readonly lock: { readonly days: number; readonly mode: 'GOVERNANCE' | 'COMPLIANCE' } | undefined
}

/** Throws where the periods contradict each other. */
export function checkRetention({ keep, unfinished, lock }: Retention): void {
  if (unfinished < LEAST_UNFINISHED_DAYS) {
    const why = `salvage needs what hosts could not finish: at least ${LEAST_UNFINISHED_DAYS}d`
    throw cannot(`delete unfinished uploads after ${unfinished}d`, why)
  }
  if (keep !== undefined && lock !== undefined && keep < lock.days) {
    const why = `Object Lock keeps them for ${lock.days}d: until then they would be hidden, and paid for`
    throw cannot(`delete bundles after ${keep}d`, why)
  }
}

interface Rule {
  readonly ID: string
  readonly Status: 'Enabled'
  readonly Filter: { readonly Prefix: string }
  readonly Expiration?: { readonly Days: number } | { readonly ExpiredObjectDeleteMarker: true }
  readonly NoncurrentVersionExpiration?: { readonly NoncurrentDays: number }
  readonly AbortIncompleteMultipartUpload?: { readonly DaysAfterInitiation: number }
}

/** As `put-bucket-lifecycle-configuration` takes it. */
export interface Lifecycle {
  readonly Rules: readonly Rule[]
}

/**
 * When the bucket deletes by itself, which no policy prevents and no person's credentials are needed for. With Object Lock
 * the bucket has versions: what expires is hidden first, its version deleted a day later, and the mark of it after that.
 */
export function lifecycle({ prefix }: Place, { keep, unfinished, lock }: Retention): Lifecycle {
  const Filter = { Prefix: `${prefix}v${BUNDLE_VERSION}/` }
  const rule = (what: string) => ({ ID: `lastgasp-${what}`, Status: 'Enabled', Filter }) as const
  const aborted: Rule = {
    ...rule('unfinished-uploads'),
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: unfinished },
  }
  if (keep === undefined) return { Rules: [aborted] }
  const expired: Rule = { ...rule('bundles'), Expiration: { Days: keep } }
  if (lock === undefined) return { Rules: [aborted, expired] }
  const versions: Rule = { ...expired, NoncurrentVersionExpiration: { NoncurrentDays: 1 } }
  return { Rules: [aborted, versions, { ...rule('delete-marks'), Expiration: { ExpiredObjectDeleteMarker: true } }] }
}
