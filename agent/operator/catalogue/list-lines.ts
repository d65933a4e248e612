import { bundleTime } from '../../bundle/keys.ts'
import { type Leftover, leftoverTold } from '../salvage/unsalvaged.ts'
import { type Line, type Style, styled } from '../terminal/line.ts'
import { type Screen, table } from '../terminal/table.ts'
import type { CatalogueEntry, Doubt } from './catalogue.ts'
import { instant } from './moments.ts'

/** `<UTC yyyymmddThhmmssZ>-` and four digits: as much of an id as a person needs to see, if it is enough. */
const SHORT_ID = 21
/** Columns in which a row and what is to be said of it are a line. */
const WIDE = 140

/** A bundle, and what it has in unfinished uploads. */
export type Listed = CatalogueEntry & { readonly left?: Leftover | undefined }

/** Bundles as a table. On a terminal their ids are as short as they can be told apart by; a script gets them whole. */
export function listLines(entries: readonly Listed[], screen: Screen): Line[] {
  const digits = screen.width === undefined ? Infinity : distinct(entries.map(({ bundle }) => bundle))
  // Beside the name of the host there is little room: on a terminal it has a line of its own. Names have no spaces, so each row is a line.
  const apart = screen.width !== undefined && screen.width < WIDE
  const remarks = entries.map(remarkOn)
  const lines = table(
    [
      { title: 'STARTED' },
      { title: 'STATUS', style: stateStyle },
      { title: 'WHY', style: whyStyle },
      { title: 'BUNDLE' },
      { title: 'HOST' },
    ],
    entries.map(({ identity, bundle, at, state, why, before }, i) => [
      instant(at),
      state,
      before ? `${why} before` : (why ?? ''),
      bundle.slice(0, digits),
      remarks[i] === '' || apart ? identity : `${identity}: ${remarks[i]}`,
    ]),
    { width: undefined },
  )
  return lines.flatMap((line, i): Line[] => {
    const remark = apart ? (remarks[i - 1] ?? '') : ''
    return remark === '' ? [line] : [line, [styled('yellow', `  ${remark}`)]]
  })
}

function remarkOn({ doubt, left, bundle }: Listed): string {
  return [
    ...(doubt === undefined ? [] : [doubtTold(doubt, bundle)]),
    ...(left === undefined ? [] : [leftoverTold(left)]),
  ].join('; ')
}

/** What is to be said where the index is not to be believed. */
function doubtTold(doubt: Doubt, bundle: string): string {
  return doubt === 'clock'
    ? `its clock said ${instant(bundleTime(bundle))}`
    : 'complete and partial by its rows; show tells what its host says'
}

/** The style of a bundle's state. */
export function stateStyle(state: string): Style | undefined {
  const styles: Readonly<Record<string, Style>> = {
    complete: 'green',
    partial: 'yellow',
    salvaged: 'yellow',
    interrupted: 'red',
  }
  return styles[state]
}

/** The style of what a host died of: what is none of these went wrong. */
function whyStyle(why: string): Style | undefined {
  const kind = why.replace(/ before$/, '')
  return kind === 'healthy' ? 'green' : kind === 'unknown' ? 'yellow' : 'red'
}

/** The least number of characters, from SHORT_ID on, by which the ids differ. */
function distinct(ids: readonly string[]): number {
  let digits = SHORT_ID
  const sorted = ids.toSorted()
  for (const [index, id] of sorted.entries()) {
    const next = sorted[index + 1] ?? ''
    while (digits < id.length && id.slice(0, digits) === next.slice(0, digits)) digits += 1
  }
  return digits
}
