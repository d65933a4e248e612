import { bundleTime } from '../bundle/keys.ts'
import type { CatalogueEntry } from './catalogue.ts'
import type { Line, Style } from './line.ts'
import { instant } from './moments.ts'
import { type Screen, table } from './table.ts'

/** `<UTC yyyymmddThhmmssZ>-` and four digits: as much of an id as a person needs to see, if it is enough. */
const SHORT_ID = 21

/** Bundles as a table. On a terminal their ids are as short as they can be told apart by; a script gets them whole. */
export function listLines(entries: readonly CatalogueEntry[], screen: Screen): Line[] {
  const digits = screen.width === undefined ? Infinity : distinct(entries.map(({ bundle }) => bundle))
  return table(
    [{ title: 'STARTED' }, { title: 'STATUS', style: stateStyle }, { title: 'BUNDLE' }, { title: 'HOST' }],
    entries.map(({ identity, bundle, state }) => [
      instant(bundleTime(bundle)),
      state,
      bundle.slice(0, digits),
      identity,
    ]),
    screen,
  )
}

/** The style of a bundle's state. */
export function stateStyle(state: string): Style | undefined {
  const styles: Readonly<Record<string, Style>> = { complete: 'green', partial: 'yellow', interrupted: 'red' }
  return styles[state]
}

/** The least number of characters, from SHORT_ID on, by which the ids differ. */
function distinct(ids: readonly string[]): number {
  const longest = ids.reduce((most, { length }) => Math.max(most, length), 0)
  for (let digits = SHORT_ID; digits < longest; digits++) {
    if (new Set(ids.map((id) => id.slice(0, digits))).size === ids.length) return digits
  }
  return longest
}
