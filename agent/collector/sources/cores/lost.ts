import type { InventoryGap, ItemIdentity } from '../../../words/evidence.ts'
import type { Dumping } from './dumping.ts'

/** The core of a process that is dumping it, and that nobody can take. Who it is goes along: it has crashed. */
export function lostCore(
  { pid, comm, uid, exe, unit, container }: Dumping,
  what: string,
  ended: Pick<ItemIdentity, 'signal' | 'at'> = {},
): InventoryGap {
  const known = { ...(exe && { exe }), ...(unit && { unit }), ...(container && { container }) }
  const reason = `${comm}[${pid}] ${what}`
  return {
    source: 'cores',
    class: 'memory',
    status: 'failed',
    reason,
    identity: { pid, comm, uid, ...known, ...ended },
  }
}
