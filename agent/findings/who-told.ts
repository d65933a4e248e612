import type { Who } from './evidence.ts'
import { homeOf, idOf } from './sentence.ts'

/** Who it is, by the names that are known: `/opt/shop (pid 8) of shop.service`, `shop.service`. */
export function whoTold(who: Who): string {
  const { exe, comm, pid, tid } = who
  const home = homeOf(who)
  if (exe === undefined && comm === undefined && pid === undefined && tid === undefined) return home ?? 'A process'
  const id = idOf(who)
  const name = `${exe ?? comm ?? 'A process'}${id === undefined ? '' : ` (${id})`}`
  return home === undefined ? name : `${name} of ${home}`
}
