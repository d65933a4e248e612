import type { BundleName } from '../../bundle/keys.ts'
import type { LeftUpload } from '../../bundle/salvage-schema.ts'
import { countOf } from '../../words/count-of.ts'
import { formatBytes } from '../../words/units.ts'
import { instant } from '../catalogue/moments.ts'
import type { Line, Style } from '../terminal/line.ts'
import { type Screen, table } from '../terminal/table.ts'
import { evidenceIn } from './choose.ts'
import type { Cost } from './cost.ts'
import type { Look } from './plan.ts'
import type { Outcome, Salvaged } from './salvage-bundle.ts'

/** What became of a bundle, or is to. `due`: nothing was done, for nothing was to be. */
export interface Told {
  readonly name: BundleName
  readonly status: 'salvaged' | 'due' | 'closed' | 'running' | 'refused' | 'failed'
  readonly reason?: string
  readonly uploads: readonly (Omit<Outcome, 'status'> & { readonly status: Outcome['status'] | 'due' })[]
  readonly left: readonly LeftUpload[]
}

/** What was found of a bundle, before anything is done. */
export function toldOfLook(name: BundleName, look: Look): Told {
  const nothing = { name, uploads: [], left: [] }
  switch (look.is) {
    case 'closed':
      return { ...nothing, status: 'closed' }
    case 'running':
      return { ...nothing, status: 'running', reason: runningTold(look.until) }
    case 'refused':
    case 'failed':
      return { ...nothing, status: look.is, reason: look.reason }
    case 'due': {
      const { complete, left } = look.plan
      const uploads = complete.map((one) => ({ name: one.name, status: 'due' as const, bytes: evidenceIn(one) }))
      return { name, status: 'due', uploads, left }
    }
  }
}

/** Why a bundle is left alone for now. */
export const runningTold = (until: number) => `its capture may be running until ${instant(until)} by the store's clock`

export function toldOfSalvaged({ name, outcomes, left }: Salvaged): Told {
  const isFailed = outcomes.some(({ status }) => status === 'failed')
  return { name, status: isFailed ? 'failed' : 'salvaged', uploads: outcomes, left }
}

/** What it is going to take, in a line. */
export function costTold({ uploads, bytes, writes, sent }: Cost, bundles: number): string {
  const what = `${countOf(uploads, 'unfinished upload')} with ${formatBytes(bytes)} of ${countOf(bundles, 'bundle')}`
  return `${what}: ${countOf(writes, 'write')}, ${formatBytes(sent)} to send`
}

/** Bundles and their uploads, for people. */
export function salvageLines(told: readonly Told[], screen: Screen): Line[] {
  const columns = [{ title: 'STATUS', style }, { title: 'SIZE', align: 'right' }, { title: 'BUNDLE' }] as const
  const rows = told.flatMap(({ name, status, reason, uploads, left }) => [
    [status, '', withReason(`${name.identity}/${name.bundle}`, reason)],
    ...uploads.map((upload) => [
      upload.status,
      formatBytes(upload.bytes),
      `  ${withReason(upload.name, upload.reason)}`,
    ]),
    ...left.map((upload) => ['left', formatBytes(upload.bytes), `  ${withReason(upload.name, upload.reason)}`]),
  ])
  return table(columns, rows, screen)
}

const withReason = (name: string, reason: string | undefined) => (reason === undefined ? name : `${name}: ${reason}`)

function style(status: string): Style | undefined {
  const styles: Readonly<Record<string, Style>> = {
    salvaged: 'green',
    completed: 'green',
    running: 'yellow',
    left: 'yellow',
    refused: 'yellow',
    lost: 'red',
    failed: 'red',
  }
  return styles[status]
}
