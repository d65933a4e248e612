import { countOf } from '../../words/count-of.ts'
import { lengthOf } from '../../words/ranges.ts'
import { formatBytes } from '../../words/units.ts'
import type { BundleView } from '../bundle/bundle-view.ts'
import { holdings } from '../bundle/holdings.ts'
import { instant } from '../catalogue/moments.ts'
import type { Line } from '../terminal/line.ts'
import { type Column, type Screen, table } from '../terminal/table.ts'

/** A planned artifact of a bundle without a manifest, or one that came without having been planned. */
interface Arrival {
  readonly artifact: string
  /** `unfinished`: made of what had arrived by a salvager. `not salvaged`: what had arrived is in an upload still. */
  readonly status: 'arrived' | 'unfinished' | 'not salvaged' | 'missing' | 'not yet' | 'skipped'
  /** Bytes in the store; of what is not there, none. */
  readonly stored?: number
  /** Bytes that it was expected to take there. */
  readonly expected?: number
  readonly reason?: string | undefined
}

/** Of what is not there: nobody can tell any more whether it should be. */
export const ONLY_IN_TROUBLE = 'it was to be taken only if something was wrong with the host'

/** What was planned and what came, in the order of the plan. `uploads`: bytes of each artifact in unfinished uploads. */
function arrivals(view: BundleView, uploads: ReadonlyMap<string, number>): Arrival[] {
  const stored = new Map<string, Pick<Arrival, 'status' | 'stored'>>()
  for (const [artifact, bytes] of uploads) stored.set(artifact, { status: 'not salvaged', stored: bytes })
  for (const { artifact, objects, bytes, holes } of holdings(view)) {
    const isSalvaged = objects.some(({ name }) => view.salvage?.has(name))
    stored.set(artifact, { status: isSalvaged ? 'unfinished' : 'arrived', stored: bytes - lengthOf(holes) })
  }
  const absent = view.state === 'open' ? 'not yet' : 'missing'
  const planned = (view.plan?.artifacts ?? []).map(({ artifact, decision, estimate, reason }): Arrival => {
    const came = stored.get(artifact)
    stored.delete(artifact)
    if (came !== undefined) return { artifact, ...came, expected: estimate.bytesStored }
    if (decision === 'skip') return { artifact, status: 'skipped', reason: reason ?? 'no reason was given' }
    if (decision === 'if-trouble') return { artifact, status: 'skipped', reason: ONLY_IN_TROUBLE }
    return { artifact, status: absent, expected: estimate.bytesStored }
  })
  return [...planned, ...Array.from(stored, ([artifact, came]): Arrival => ({ artifact, ...came }))]
}

/** In a sentence, for a person: how far a capture came that was not closed, and how much of it is to be salvaged. */
export function arrivedTold(view: BundleView, uploads: ReadonlyMap<string, number>): string {
  const all = arrivals(view, uploads)
  const came = all.filter(({ status }) => status === 'arrived' || status === 'unfinished')
  const wanted = all.filter(({ status }) => status !== 'skipped')
  const sum = (of: readonly Arrival[]) =>
    of.reduce((bytes, { stored, expected = 0 }) => bytes + (stored ?? expected), 0)
  const left = all.filter(({ status }) => status === 'not salvaged')
  const more =
    left.length === 0 ? '' : `, and ${formatBytes(sum(left))} in ${countOf(left.length, 'unfinished upload')}`
  const until =
    view.endsBy === undefined ? '' : `; it ${view.state === 'open' ? 'has until' : 'had until'} ${instant(view.endsBy)}`
  if (view.plan === undefined)
    return `${came.length} arrived (${formatBytes(sum(came))}) of what was never told${more}${until}`
  return `${came.length} of ${wanted.length} artifacts arrived, ${formatBytes(sum(came))} of some ${formatBytes(sum(wanted))}${more}${until}`
}

/** The same as a table. */
export function cutTable(
  view: BundleView,
  uploads: ReadonlyMap<string, number>,
  style: Column['style'],
  screen: Screen,
): Line[] {
  const columns: readonly Column[] = [
    { title: 'STATUS', ...(style && { style }) },
    { title: 'STORED', align: 'right' },
    { title: 'EXPECTED', align: 'right' },
    { title: 'ARTIFACT' },
  ]
  const rows = arrivals(view, uploads).map(({ artifact, status, stored, expected, reason }) => [
    status,
    stored === undefined ? '' : formatBytes(stored),
    expected === undefined ? '' : formatBytes(expected),
    reason === undefined ? artifact : `${artifact}: ${reason}`,
  ])
  return table(columns, rows, screen)
}
