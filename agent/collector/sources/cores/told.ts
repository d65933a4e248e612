import type { InventoryGap } from '../../../words/evidence.ts'
import type { CoreChoice } from '../../crashed-cores/choose.ts'
import type { Finds } from '../../crashed-cores/find.ts'
import { surplusGaps } from '../../crashed-cores/surplus.ts'

const UNASKED = 'cannot tell of all processes whether they are dumping core: there was no more time'

/** What a session has told of what it does not take. Each thing has one receipt, however often it is seen. */
export class Told {
  readonly #said = new Set<string>()

  /** What is still to be told after a look. `isAll`: all processes could be asked whether they are dumping core. */
  gaps(finds: Finds, choice: CoreChoice, isAll: boolean): readonly InventoryGap[] {
    const isNew = (sentence: string) => this.#isNew(sentence)
    return [
      ...gapsOf('failed', [...finds.problems, ...(isAll ? [] : [UNASKED])].filter(isNew)),
      ...gapsOf('skipped', [...finds.leftOut.filter(isNew), ...choice.leftOut]),
      ...surplusGaps([...finds.surplus, ...choice.surplus]).filter(({ identity }) => isNew(ownerOf(identity))),
    ]
  }

  #isNew(sentence: string): boolean {
    const before = this.#said.size
    return this.#said.add(sentence).size > before
  }
}

/** A gap for each reason. */
export function gapsOf(status: InventoryGap['status'], reasons: readonly string[]): InventoryGap[] {
  return reasons.map((reason) => ({ source: 'cores', class: 'memory', status, reason }))
}

/** Whose surplus it is: what more he lays there meanwhile is the same story. */
const ownerOf = (identity: InventoryGap['identity']) => `surplus of ${identity?.uid} in ${identity?.path}`
