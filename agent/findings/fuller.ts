import type { Finding } from '../bundle/schema.ts'
import { isDeath } from './is-death.ts'
import { ranked } from './rank.ts'

/**
 * Of two looks at one host the one to believe: the later, unless it saw less, because the host had become too slow to answer. What the host suffered from
 * at the first look it is not free of for being shut down. `began` as in `ranked`. Undefined where neither
 * was answered.
 */
export function fuller(
  early: readonly Finding[] | undefined,
  late: readonly Finding[] | undefined,
  began?: number,
): readonly Finding[] | undefined {
  if (early === undefined || late === undefined) return late ?? early
  const [before, after] = [tally(early), tally(late)]
  const isLater = after.deaths > before.deaths || after.unknown <= before.unknown
  const [told, other] = isLater ? [late, early] : [early, late]
  const signs = other.filter((finding) => isSign(finding) && !told.some((one) => isSame(one, finding)))
  if (signs.length === 0) return told
  return ranked([...told.filter(({ kind }) => kind !== 'healthy'), ...signs], began)
}

/** What a rule has seen, and not a death that witnesses tell of. */
const isSign = (finding: Finding) => finding.rule !== undefined && !isDeath(finding)

const isSame = (a: Finding, b: Finding) =>
  a.rule === b.rule &&
  a.subject.unit === b.subject.unit &&
  a.subject.pid === b.subject.pid &&
  a.subject.tid === b.subject.tid

function tally(findings: readonly Finding[]): { readonly deaths: number; readonly unknown: number } {
  const unknown = findings.filter(({ kind }) => kind === 'unknown').length
  const others = findings.filter((finding) => finding.kind === 'healthy' || isSign(finding)).length
  return { deaths: findings.length - unknown - others, unknown }
}
