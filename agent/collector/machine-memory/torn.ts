import { within } from '../../words/deadline.ts'
import type { PageFlags } from './page-flags.ts'
import type { PageRange } from './survey.ts'
import type { TakenPages } from './taken-pages.ts'
import { type Wanted, wants } from './wanted.ts'

/** ms for looking at the flags once more at the end; on a large machine only a part of it is looked at. */
const RESCAN_MS = 3_000

export interface Torn {
  /** Of the pages that were looked at, those that had changed. */
  readonly torn: number
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
  let torn = 0
  let compared = 0
  try {
    for (const { start, end } of ram) {
      const isWanted = wants(wanted, start)
      for await (const { first, classes } of flags.scan(start, end, enough)) {
        for (let index = 0; index < classes.length; index++) {
          const was = wasTaken(first + index)
          if (was) compared++
          if (isWanted(first + index, classes[index] ?? 0) !== was) torn++
        }
      }
    }
  } catch (error) {
    if (!enough.aborted) throw error
  }
  return { torn, compared }
}
