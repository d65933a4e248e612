import type { Evidence, Line } from '../evidence.ts'
import { PLACES, type Sign } from '../rule.ts'

/** ms: what was said longer ago has passed. */
const WITHIN_MS = 10 * 60_000

/** What programs say of something that befell them: told where a service has said it so often within ten minutes, for once is an accident. */
export function saidOften(
  { lines, began }: Evidence,
  says: RegExp,
  often: number,
  sentence: (unit: string, times: number) => string,
): readonly Sign[] {
  const said = lines.filter(({ at, text }) => at <= began && at > began - WITHIN_MS && says.test(text))
  return [...Map.groupBy(said, ({ unit }) => unit)]
    .filter(([, of]) => of.length >= often)
    .map(([unit, of]) => ({
      certainty: 'likely' as const,
      subject: { unit },
      at: Math.max(...of.map(({ at }: Line) => at)),
      count: of.length,
      sentence: sentence(unit, of.length),
      evidence: PLACES.journal,
    }))
}
