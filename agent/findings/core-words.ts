import type { InventoryItem, ItemIdentity } from '../words/evidence.ts'
import type { Death } from './death.ts'

/** The crash that a core on disk is of. `bootId`: of the boot that the host is in. Undefined for what is no process's core. */
export function coreDeath(
  { name, identity }: Pick<InventoryItem, 'name' | 'identity'>,
  bootId: string | undefined,
): Death | undefined {
  const { pid, signal, at, claimed } = identity
  if (pid === undefined && signal === undefined) return undefined
  const boots = identity.bootId === undefined || bootId === undefined
  return {
    kind: 'crash',
    witness: 'core',
    boot: boots ? 'unknown' : identity.bootId === bootId ? 'this' : 'earlier',
    ...(claimed === true && { claimed }),
    subject: subjectOf(identity),
    ...(signal !== undefined && { signal }),
    ...(at !== undefined && { at }),
    evidence: [{ artifact: name }],
  }
}

/** The crash of a process that is dumping a core which nobody can take. Undefined where it is not known whose it is. */
export function unfinishedDeath(identity: ItemIdentity): Death | undefined {
  const { pid, signal, at } = identity
  if (pid === undefined) return undefined
  const known = { ...(signal !== undefined && { signal }), ...(at !== undefined && { at }) }
  return { kind: 'crash', witness: 'core', boot: 'this', subject: subjectOf(identity), ...known, evidence: [] }
}

function subjectOf(identity: ItemIdentity): Death['subject'] {
  const { unit, exe, comm, pid, uid, container, pod, namespace, containerName } = identity
  return {
    ...(unit !== undefined && { unit }),
    ...(exe !== undefined && { exe }),
    ...(comm !== undefined && { comm }),
    ...(pid !== undefined && { pid }),
    ...(uid !== undefined && { uid }),
    ...(container !== undefined && { container }),
    ...(pod !== undefined && { pod }),
    ...(namespace !== undefined && { namespace }),
    ...(containerName !== undefined && { containerName }),
  }
}
