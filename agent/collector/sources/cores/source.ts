import type { System } from '../../host/ffi.ts'
import type { Source } from '../source.ts'
import type { Intake } from './intake.ts'
import { leftCores } from './left.ts'
import { CoresSession } from './session.ts'

/**
 * Cores, kernel dumps and crash reports, on disk already or still being written; those that are finished while the capture runs, and those that are
 * handed over while the host goes down.
 */
export function coresSource(system: System, intake?: Intake): Source {
  // Of all captures: what an earlier one has read comes last in the next.
  const read = new Set<string>()
  return {
    name: 'cores',
    open({ root, settings, before, crashes }) {
      const host = { root, system, onRead: (id: string) => read.add(id) }
      if (before !== undefined) return { inventory: leftCores(host, settings.cores, before, read) }
      return new CoresSession(host, settings.cores, read, intake, settings.traces === 'none' ? undefined : crashes)
    },
  }
}
