import { coreLayout } from '../../collector/elf/core-layout.ts'
import { StartOf } from '../../collector/elf/start-of.ts'
import type { Unchecked } from '../../words/evidence.ts'
import { formatBytes } from '../../words/units.ts'

/** A start to look into, for artifacts that are cores. */
export function coreStartOf(artifact: string): StartOf | undefined {
  return /^(?:cores|live)\//.test(artifact) ? new StartOf() : undefined
}

/** Whether a core that has passed is as long as its ELF headers promise; undefined where it has none that tell. */
export async function lengthOf(start: StartOf): Promise<'whole' | { readonly cut: string } | undefined> {
  const layout = await coreLayout(start.reader())
  if (layout !== undefined && layout.end > start.bytes)
    return {
      cut: `it holds ${formatBytes(start.bytes)} of the ${formatBytes(layout.end)} that its ELF headers promise`,
    }
  return layout?.isAll ? 'whole' : undefined
}

/** What is to be said of a core of which it was not found out whether it is whole. */
export function uncheckedTold(unchecked: Unchecked): string {
  const told: Readonly<Record<Unchecked, string>> = {
    format: 'how it is compressed is not read on the host',
    headers: 'it has no ELF headers that say how long it is',
    slow: 'the host had no time to unpack it',
  }
  return `it may have been cut: ${told[unchecked]}`
}
