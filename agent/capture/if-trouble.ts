import type { ListedItem } from '../words/evidence.ts'
import type { Blame } from './blame.ts'

/** Whether something is wrong with the host; undefined as long as nobody has said. */
export type Trouble = boolean | undefined

/** Whether it is not known yet if an item is to be taken. What may not leave the host anyway waits for nobody. */
export function isUndecided(item: ListedItem, trouble: Trouble): boolean {
  return trouble === undefined && isForTrouble(item)
}

/** Whether it need not be taken, for nothing is wrong. What may not leave the host says that rather. */
export function isNeedless(item: ListedItem, trouble: Trouble): boolean {
  return trouble === false && isForTrouble(item)
}

/** Why it was not taken. */
export function needless({ source }: ListedItem): Blame {
  return { because: 'limit', reason: `nothing is wrong with the host, and ${source}.when is "trouble"` }
}

const isForTrouble = ({ when, closed }: ListedItem) => when === 'trouble' && closed === undefined
