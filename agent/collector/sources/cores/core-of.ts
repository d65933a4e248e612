import { bootOf } from '../../crashed-cores/boot.ts'
import type { CoreFile } from '../../crashed-cores/core-file.ts'
import type { Boot } from '../../host/this-boot.ts'
import type { Dumping } from './dumping.ts'

/** Whether a file is, or is becoming, the core of a process that is dumping now. Pids come again in every boot. */
export function isCoreOf(core: CoreFile, { pid, comm, uid }: Dumping, boot: Boot): boolean {
  const { kind, identity, claimed, owner } = core
  // The kernel gives a core to the user whose process it was: another user's is none of it, whatever it is called.
  if (claimed && owner !== uid) return false
  if ((kind !== 'systemd' && kind !== 'plain') || bootOf(core, boot) !== 'this') return false
  return identity.pid === undefined ? kind === 'plain' && (identity.comm ?? comm) === comm : identity.pid === pid
}
