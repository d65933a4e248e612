import type { Finding } from '../bundle/schema.ts'

/**
 * Of two looks at one host the one to believe: the later, unless it saw less, because the host had become too slow to answer. Undefined where
 * neither was answered.
 */
export function fuller(
  early: readonly Finding[] | undefined,
  late: readonly Finding[] | undefined,
): readonly Finding[] | undefined {
  if (early === undefined || late === undefined) return late ?? early
  const [before, after] = [tally(early), tally(late)]
  return after.deaths > before.deaths || after.unknown <= before.unknown ? late : early
}

function tally(findings: readonly Finding[]): { readonly deaths: number; readonly unknown: number } {
  const unknown = findings.filter(({ kind }) => kind === 'unknown').length
  const healthy = findings.filter(({ kind }) => kind === 'healthy').length
  return { deaths: findings.length - unknown - healthy, unknown }
}
