import { HOSTS_PREFIX } from '../../bundle/keys.ts'
import { LEAST_UNFINISHED_DAYS } from '../../policy/lifecycle.ts'
import type { Expiry, Uploads } from '../../store/uploads.ts'
import { countOf } from '../../words/count-of.ts'

/** What is to be said of a lifecycle that removes unfinished uploads before somebody may have salvaged them. */
export async function expiryTold(uploads: Uploads, signal: AbortSignal): Promise<string | undefined> {
  const expiry = await uploads.expiry(HOSTS_PREFIX, signal)
  return expiry === undefined || expiry.days >= LEAST_UNFINISHED_DAYS ? undefined : tooSoon(expiry)
}

function tooSoon({ days, rule }: Expiry): string {
  const what = `the lifecycle of the bucket (rule "${rule}") removes unfinished uploads after ${countOf(days, 'day')}`
  return `${what}: what a host could not finish is gone then; ${LEAST_UNFINISHED_DAYS} days is the least, and "lastgasp policy --for lifecycle" prints such a rule`
}
