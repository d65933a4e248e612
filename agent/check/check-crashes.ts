import { good, note, type Remark } from './remark.ts'

/**
 * Whether cores of what crashes while the host goes down are taken: the collector has not said why it could not (`unarmed`), and the unit that makes
 * the kernel hand them over is active.
 */
export function checkCrashes(unarmed: string | undefined, isSwitchActive: boolean): Remark {
  if (unarmed !== undefined) return note('crashes', `while the host goes down no core is taken: ${unarmed}`)
  return isSwitchActive
    ? good('crashes', 'while the host goes down cores are taken from the kernel')
    : note('crashes', 'while the host goes down no core is taken: lastgasp-cores.service is not active')
}
