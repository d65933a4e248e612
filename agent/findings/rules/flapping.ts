import type { UnitEvent } from '../evidence.ts'
import { PLACES, type Rule } from '../rule.ts'

/** Restarts within this time, ms, that are no accident any more: systemd's own limit is 5 in 10 s (StartLimitBurst=). */
const WITHIN_MS = 10 * 60_000
const OFTEN = 3

export const flapping: Rule = {
  name: 'flapping',
  kind: 'failed',
  reason:
    'A unit that fails, and that systemd has started anew again and again (Restart=), does not do its work, though it looks active at most moments. One that ends well and is started anew does what it is made for.',
  look: ({ restarts, unitFailures, began }) => {
    const lately = ({ at }: UnitEvent) => at <= began && at > began - WITHIN_MS
    const failed = Map.groupBy(unitFailures.filter(lately), ({ unit }) => unit)
    return [...Map.groupBy(restarts.filter(lately), ({ unit }) => unit)]
      .filter(([unit, of]) => of.length >= OFTEN && (failed.get(unit)?.length ?? 0) >= OFTEN)
      .map(([unit, of]) => ({
        certainty: 'certain' as const,
        subject: { unit },
        at: Math.max(...of.map(({ at }) => at)),
        count: of.length,
        sentence: `${unit} was started anew ${of.length} times within ten minutes.`,
        evidence: PLACES.journal,
      }))
  },
}
