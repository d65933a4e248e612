import { evidenceIn } from './choose.ts'
import type { Plan } from './plan.ts'

/** What salvaging takes, as if no request had to be tried twice. */
export interface Cost {
  /** Uploads that become objects. */
  readonly uploads: number
  /** Of evidence in them. */
  readonly bytes: number
  /** That create or complete something: those are paid for as writes. */
  readonly writes: number
  /** Of filler and documents that are sent. */
  readonly sent: number
}

/** About as much as a salvager's document and its row have. */
const DOCUMENTS_BYTES = 16 * 1024

export function costOf(plans: readonly Plan[]): Cost {
  const all = plans.flatMap(({ complete }) => complete)
  const sum = (of: (one: (typeof all)[number]) => number) => all.reduce((total, one) => total + of(one), 0)
  const documents = plans.reduce((count, { isTold, hasRow }) => count + (isTold ? 0 : 1) + (hasRow ? 0 : 1), 0)
  return {
    uploads: all.length,
    bytes: sum(evidenceIn),
    writes: documents + sum(({ filled }) => filled.length + 1),
    sent: documents * DOCUMENTS_BYTES + sum(({ filled, partBytes }) => filled.length * partBytes),
  }
}
