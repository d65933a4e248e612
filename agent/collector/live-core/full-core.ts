import { readFile } from 'node:fs/promises'
import { abandonable, within } from '../../words/deadline.ts'
import { parseAuxiliaryVector } from '../host/auxiliary-vector.ts'
import type { System } from '../host/ffi.ts'
import type { Range } from '../host/mappings.ts'
import type { Reading } from '../host/reading.ts'
import { readCore } from './core-reading.ts'
import { Memory } from './memory.ts'
import { momentOf } from './moment.ts'
import { processPath } from './process-facts.ts'
import { Sample, samplePlaces } from './sample.ts'
import { survey } from './survey.ts'
import type { Freeze, Limits, Target } from './target.ts'

export type { Freeze } from './target.ts'

/** ms for a look at all of its memory before it is stopped, from which a sample is chosen. */
const LOOK_MS = 2_000

/**
 * Stops a process and opens a whole core of it, which is read while it is consumed: LIVE-CORE.md. Its environment reads as zeros; no page
 * is faulted in. With `registers` it runs on before this returns, with `whole` after the last byte was read or at the bound. Throws
 * Untouchable where no core is to be had, and the signal's reason; whoever has the reading must dispose of it.
 */
export async function openFullCore(
  target: Target,
  freeze: Freeze,
  limits: Limits,
  system: System,
  signal: AbortSignal,
): Promise<Reading> {
  const places = freeze === 'registers' ? await placesToCompare(target, system, signal) : []
  const moment = await momentOf(target, limits, system, ({ environment }) => [environment], signal)
  try {
    const sample = await Sample.take(places, moment.memory, moment.standstill.over).catch(() => undefined)
    if (freeze === 'registers') moment.standstill.letGo()
    return await readCore(target, freeze, moment, sample, signal)
  } catch (error) {
    moment[Symbol.dispose]()
    throw error
  }
}

/** Where to look for change, as far as that can be told while it runs; nowhere is an answer too. */
async function placesToCompare(target: Target, system: System, parent: AbortSignal): Promise<Range[]> {
  if (system.kind === 'missing') return []
  const directory = processPath(target)
  const signal = within(LOOK_MS, parent)
  try {
    const auxv = parseAuxiliaryVector(await abandonable(readFile(`${directory}/auxv`), signal))
    if (auxv === undefined) return []
    using memory = await Memory.open(directory, auxv.pageSize, [], system, signal)
    return samplePlaces(await survey(directory, directory, memory, signal), auxv.pageSize)
  } catch {
    parent.throwIfAborted()
    return []
  }
}
