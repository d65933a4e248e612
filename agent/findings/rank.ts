import type { Finding } from '../bundle/schema.ts'
import { RULES } from './rules.ts'

/** ms: who died longer ago than this before the capture began is not what the host goes for, where anything else is wrong. */
const LONG_AGO_MS = 3_600_000

/** What matters most first: see "Findings" in bundle/BUNDLE.md. `began`: when the capture did, in ms since the epoch. */
export function ranked(findings: readonly Finding[], began = Number.NEGATIVE_INFINITY): readonly Finding[] {
  const isOld = ({ at }: Finding) => Number.isFinite(began) && at !== undefined && at < began - LONG_AGO_MS
  return findings.toSorted((a, b) => {
    const [first, second] = [weights(a, isOld(a)), weights(b, isOld(b))]
    const differs = first.findIndex((weight, index) => weight !== second[index])
    return differs < 0 ? 0 : (first[differs] ?? 0) - (second[differs] ?? 0)
  })
}

const ORDER: ReadonlyMap<string | undefined, number> = new Map(RULES.map(({ name }, index) => [name, index]))

/** Less is more important; the first that differs decides. */
function weights(
  { kind, rule, certainty, boot, late, subject, at, count }: Finding,
  isOld: boolean,
): readonly number[] {
  const isNamed = subject.unit !== undefined || subject.exe !== undefined || subject.comm !== undefined
  const isSign = rule !== undefined && !rule.startsWith('oom-')
  const isRest = !isNamed && count !== undefined
  return [
    Number(boot === 'earlier'),
    kind === 'healthy' ? 3 : kind === 'unknown' ? 2 : kind === 'panic' ? 0 : 1,
    Number(certainty === 'claimed'),
    // What made the host go comes before what happened while it went.
    Number(late ?? false),
    // A death is a fact; what a host suffers from at the moment, in the order of the rules; the builder's behind ours.
    isSign ? 1 + (ORDER.get(rule) ?? RULES.length) : isOld ? RULES.length + 2 : 0,
    Number(isRest && isSign),
    Number(!isNamed),
    -(at ?? 0),
  ]
}
