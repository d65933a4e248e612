import { membershipOf } from '../words/membership.ts'
import { isPlain } from '../words/plain.ts'
import type { Death } from './death.ts'

/** The unit and the container that a cgroup's path names; nothing of one that is not plain. */
export function placeOf(cgroup: string): Pick<Death['subject'], 'unit' | 'container'> {
  const { unit, container } = isPlain(cgroup) ? membershipOf(cgroup) : {}
  return { ...(unit !== undefined && { unit }), ...(container !== undefined && { container }) }
}
