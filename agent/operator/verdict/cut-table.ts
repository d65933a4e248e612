import { formatBytes } from '../../words/units.ts'
import type { BundleView } from '../bundle/bundle-view.ts'
import { holdings } from '../bundle/holdings.ts'
import { instant } from '../catalogue/moments.ts'
import type { Line } from '../terminal/line.ts'
import { type Column, type Screen, table } from '../terminal/table.ts'

/** A planned artifact of a bundle without a manifest, or one that came without having been planned. */
interface Arrival {
  readonly artifact: string
  readonly status: 'arrived' | 'missing' | 'not yet' | 'skipped'
  /** Bytes in the store; of what is not there, none. */
  readonly stored?: number
  /** Bytes that it was expected to take there. */
  readonly expected?: number
  readonly reason?: string | undefined
}

/** Of what is not there: nobody can tell any more whether it should be. */
export const ONLY_IN_TROUBLE = 'it was to be taken only if something was wrong with the host'

/** What was planned and what came, in the order of the plan. */
function arrivals(view: BundleView): Arrival[] {
  const stored = new Map(holdings(view).map(({ artifact, bytes }) => [artifact, bytes]))
  const absent = view.state === 'open' ? 'not yet' : 'missing'
  const planned = (view.plan?.artifacts ?? []).map(({ artifact, decision, estimate, reason }): Arrival => {
    const bytes = stored.get(artifact)
    stored.delete(artifact)
    if (bytes !== undefined) return { artifact, status: 'arrived', stored: bytes, expected: estimate.bytesStored }
    if (decision === 'skip') return { artifact, status: 'skipped', reason: reason ?? 'no reason was given' }
    if (decision === 'if-trouble') return { artifact, status: 'skipped', reason: ONLY_IN_TROUBLE }
    return { artifact, status: absent, expected: estimate.bytesStored }
  })
  return [
    ...planned,
    ...Array.from(stored, ([artifact, bytes]): Arrival => ({ artifact, status: 'arrived', stored: bytes })),
  ]
}

/** In a sentence, for a person: how far a capture came that was not closed. `until`: when it must have ended, by the store's clock. */
export function arrivedTold(view: BundleView): string {
  const all = arrivals(view)
  const came = all.filter(({ status }) => status === 'arrived')
  const wanted = all.filter(({ status }) => status !== 'skipped')
  const sum = (of: readonly Arrival[]) =>
    of.reduce((bytes, { stored, expected = 0 }) => bytes + (stored ?? expected), 0)
  const until =
    view.endsBy === undefined ? '' : `; it ${view.state === 'open' ? 'has until' : 'had until'} ${instant(view.endsBy)}`
  if (view.plan === undefined)
    return `${came.length} arrived (${formatBytes(sum(came))}) of what was never told${until}`
  return `${came.length} of ${wanted.length} artifacts arrived, ${formatBytes(sum(came))} of some ${formatBytes(sum(wanted))}${until}`
}

/** The same as a table. */
export function cutTable(view: BundleView, style: Column['style'], screen: Screen): Line[] {
  const columns: readonly Column[] = [
    { title: 'STATUS', ...(style && { style }) },
    { title: 'STORED', align: 'right' },
    { title: 'EXPECTED', align: 'right' },
    { title: 'ARTIFACT' },
  ]
  const rows = arrivals(view).map(({ artifact, status, stored, expected, reason }) => [
    status,
    stored === undefined ? '' : formatBytes(stored),
    expected === undefined ? '' : formatBytes(expected),
    reason === undefined ? artifact : `${artifact}: ${reason}`,
  ])
  return table(columns, rows, screen)
}
