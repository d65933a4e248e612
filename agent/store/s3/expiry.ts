import type { LifecycleRule } from '@aws-sdk/client-s3'
import type { Expiry } from '../uploads.ts'

/** Of the rules of a bucket's lifecycle, the one that removes unfinished uploads to keys below `prefix` soonest. */
export function soonest(rules: readonly LifecycleRule[], prefix: string): Expiry | undefined {
  const expiries = rules.flatMap(({ Status, ID = '', AbortIncompleteMultipartUpload: aborts, ...rule }): Expiry[] => {
    const days = aborts?.DaysAfterInitiation
    // `Prefix` beside the filter is what rules had before there were filters.
    const own = rule.Filter?.Prefix ?? rule.Filter?.And?.Prefix ?? rule.Prefix ?? ''
    const isOurs = own.startsWith(prefix) || prefix.startsWith(own)
    return Status === 'Enabled' && days !== undefined && isOurs ? [{ days, rule: ID }] : []
  })
  return expiries.sort((a, b) => a.days - b.days)[0]
}
