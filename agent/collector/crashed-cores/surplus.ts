import { countOf } from '../../words/count-of.ts'
import type { InventoryGap } from '../../words/evidence.ts'
import { formatBytes } from '../../words/units.ts'
import { type CoreFile, charge } from './core-file.ts'

/** What one owner has in a directory where others may write beyond his share: it is left out, and that is no setting's doing. */
export interface Surplus {
  readonly directory: string
  readonly owner: number
  readonly files: number
  readonly bytes: number
}

/** Owners that are named, those with most files first: one user may have 65,536 user ids (subuid(5)). */
const NAMED = 8

/** The surplus of some files, by directory and owner. */
export function surplusOf(cores: readonly CoreFile[]): readonly Surplus[] {
  return summed(cores.map((core) => ({ directory: core.directory, owner: core.owner, files: 1, bytes: charge(core) })))
}

/** One of each directory and owner. */
export function summed(all: readonly Surplus[]): readonly Surplus[] {
  const groups = Map.groupBy(all, ({ directory, owner }) => `${owner} ${directory}`).values()
  return [...groups].map((group) => ({ ...(group[0] as Surplus), ...total(group) }))
}

const total = (group: readonly Surplus[]) => ({
  files: group.reduce((sum, { files }) => sum + files, 0),
  bytes: group.reduce((sum, { bytes }) => sum + bytes, 0),
})

/** What is to be said of it: whose files were left out, where, and that they are not the reason why others are missing. */
export function surplusGaps(all: readonly Surplus[]): readonly InventoryGap[] {
  const ordered = summed(all).toSorted((a, b) => b.files - a.files || a.owner - b.owner)
  const gap = (reason: string, identity: InventoryGap['identity']): InventoryGap => ({
    ...{ source: 'cores', class: 'memory', status: 'skipped', because: 'host', reason },
    ...(identity && { identity }),
  })
  const named = ordered.slice(0, NAMED).map(({ directory, owner, files, bytes }) => {
    const what = `${countOf(files, 'file')} of user ${owner} in ${directory}, ${formatBytes(bytes)}`
    return gap(`${what}: beyond that user's share of a directory where others than root may write`, {
      path: directory,
      uid: owner,
    })
  })
  const rest = ordered.slice(NAMED)
  if (rest.length === 0) return named
  const { files, bytes } = total(rest)
  const others = `${countOf(files, 'file')} of ${countOf(rest.length, 'other user')}, ${formatBytes(bytes)}`
  return [...named, gap(`${others}: beyond their shares of directories where others than root may write`, undefined)]
}
