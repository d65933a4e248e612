import { HandedCrashes } from '../../agent/collector/kept-stacks/handed-crashes.ts'
import { KeptStacks } from '../../agent/collector/kept-stacks/kept-stacks.ts'
import { newPatients, type Patients } from '../../agent/collector/processes/patients.ts'
import type { Inventory, Source, SourceContext, SourceSession } from '../../agent/collector/sources/source.ts'
import type { Settings } from '../../agent/settings/schema.ts'
import { unhurried } from './reading.ts'

/** ms that a source has in tests: more than it needs on any machine. */
export const PLENTY = 60_000

/** What a source is told of a capture by hand. */
export function contextOf(root: string, settings: Settings, patients: Patients = newPatients(root)): SourceContext {
  return {
    root,
    settings,
    occasion: { trigger: 'manual', boot: 'this' },
    before: undefined,
    patients,
    kept: new KeptStacks(root),
    crashes: new HandedCrashes(),
  }
}

/** The inventory of a session of its own. */
export function looked(source: Source, context: SourceContext, signal = unhurried()): Promise<Inventory> {
  return source.open(context).inventory(PLENTY, signal)
}

/** What a session tells when it is stopped as soon as it is watched. */
export async function lastWords(session: SourceSession): Promise<Inventory> {
  const all = await Array.fromAsync(session.comesUp?.(PLENTY, AbortSignal.abort(), unhurried()) ?? [])
  return { found: all.flatMap(({ found }) => found), gaps: all.flatMap(({ gaps }) => gaps) }
}
