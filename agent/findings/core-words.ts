import type { InventoryItem } from '../bundle/evidence.ts'
import type { Death } from './death.ts'

/** The crash that a core on disk is of. `bootId`: of the boot that the host is in. Undefined for what is no process's core. */
export function coreDeath(
  { name, identity }: Pick<InventoryItem, 'name' | 'identity'>,
  bootId: string | undefined,
): Death | undefined {
  const { pid, comm, exe, unit, uid, container, signal, at, claimed } = identity
  if (pid === undefined && signal === undefined) return undefined
  const boots = identity.bootId === undefined || bootId === undefined
  return {
    kind: 'crash',
    witness: 'core',
    boot: boots ? 'unknown' : identity.bootId === bootId ? 'this' : 'earlier',
    ...(claimed === true && { claimed }),
    subject: {
      ...(unit !== undefined && { unit }),
      ...(exe !== undefined && { exe }),
      ...(comm !== undefined && { comm }),
      ...(pid !== undefined && { pid }),
      ...(uid !== undefined && { uid }),
      ...(container !== undefined && { container }),
    },
    ...(signal !== undefined && { signal }),
    ...(at !== undefined && { at }),
    evidence: [{ artifact: name }],
  }
}
