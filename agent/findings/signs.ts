import type { Finding } from '../bundle/schema.ts'
import type { Evidence } from './evidence.ts'
import type { Rule, Sign } from './rule.ts'

/** Signs of one rule that are told one by one: fifty workers that wait for one disk are one story. */
const MOST_SIGNS = 8

/** What the rules see in the evidence. */
export function signsIn(evidence: Evidence, rules: readonly Rule[]): readonly Finding[] {
  return rules.flatMap((rule) => {
    const signs = rule.look(evidence)
    const more = signs.length - MOST_SIGNS
    return [...signs.slice(0, MOST_SIGNS).map((sign) => findingOf(rule, sign)), ...(more > 0 ? [rest(rule, more)] : [])]
  })
}

function findingOf({ name, kind }: Rule, { certainty, subject = {}, at, count, sentence, evidence }: Sign): Finding {
  return {
    ...{ kind, rule: name, certainty, boot: 'this', subject },
    ...(at !== undefined && { at }),
    ...(count !== undefined && { count }),
    ...{ sentence, evidence },
  }
}

function rest({ name, kind }: Rule, count: number): Finding {
  const sentence = count === 1 ? 'There is one more of that kind.' : `There are ${count} more of that kind.`
  return { kind, rule: name, certainty: 'likely', boot: 'this', subject: {}, count, sentence, evidence: [] }
}

/**
 * Those that nothing else explains: a unit has failed because its process crashed, or for want of memory, and that is told; a kernel that panicked
 * because it faulted tells of the fault itself.
 */
export function unexplained(signs: readonly Finding[], deaths: readonly Finding[]): readonly Finding[] {
  const units = new Set(deaths.filter(({ boot }) => boot !== 'earlier').map(({ subject }) => subject.unit))
  const flaps = new Set(signs.filter(({ rule }) => rule === 'flapping').map(({ subject }) => subject.unit))
  const panicked = deaths.some(({ kind, boot }) => kind === 'panic' && boot === 'this')
  return signs.filter(({ rule, subject: { unit } }) => {
    if (rule === 'oops') return !panicked
    return rule !== 'unit-failed' || !(units.has(unit) || flaps.has(unit))
  })
}
