import { within } from '../../words/deadline.ts'
import type { PageKind } from '../../words/details.ts'
import { CLASSES, MISSING } from './page-class.ts'
import type { PageFlags } from './page-flags.ts'
import { DATA_RANK, type PageRange } from './survey.ts'
import type { TakenPages } from './taken-pages.ts'
import { type Wanted, wants } from './wanted.ts'

/** ms for looking at the flags once more at the end; on a large machine only a part of it is looked at. */
const RESCAN_MS = 3_000

export interface Torn {
  /** Of the pages that were looked at, those that had changed, by the class that they were read as, or have now. */
  readonly torn: ReadonlyMap<PageKind, number>
  /** Of the pages that had been read, how many were looked at. */
  readonly compared: number
}

/** Counts pages that are wanted now and were not read, or were read and are not wanted any more. */
export async function countTorn(
  ram: readonly PageRange[],
  wanted: Wanted,
  flags: PageFlags,
  taken: TakenPages,
  signal: AbortSignal,
): Promise<Torn> {
  const enough = within(RESCAN_MS, signal)
  const wasTaken = taken.ask()
  const torn = new Map<PageKind, number>()
  let compared = 0
  try {
    for (const { start, end } of ram) {
      const isWanted = wants(wanted, start)
      for await (const { first, classes } of flags.scan(start, end, enough)) {
        for (let index = 0; index < classes.length; index++) {
          const was = wasTaken(first + index)
          if (was !== undefined) compared++
          if (isWanted(first + index, classes[index] ?? 0) === (was !== undefined)) continue
          const kind = was === DATA_RANK ? 'kernel data' : (CLASSES[was ?? classes[index] ?? MISSING] ?? 'missing')
          torn.set(kind, (torn.get(kind) ?? 0) + 1)
        }
      }
    }
  } catch (error) {
    if (!enough.aborted) throw error
  }
  return { torn, compared }
}
