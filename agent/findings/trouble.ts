import type { Finding } from '../bundle/schema.ts'

/**
 * Whether findings are a reason to take what is heavy: something is wrong with this boot, and the host itself says so. What is not known is not well, and a host
 * that did not say anything in time is in trouble.
 */
export function isTrouble(findings: readonly Finding[] | undefined): boolean {
  if (findings === undefined) return true
  return findings.some(
    ({ kind, boot, certainty }) => kind !== 'healthy' && boot !== 'earlier' && certainty !== 'claimed',
  )
}
