import type { Death } from './death.ts'
import { crashOf } from './kernel-crash.ts'
import { killOf, killPlace } from './kernel-oom.ts'

/** A message of the kernel itself. */
export interface KernelMessage {
  /** ms since the epoch */
  readonly at: number
  readonly text: string
}

/** Where these messages stand in a bundle. */
const EVIDENCE = [{ artifact: 'facts.tar.zst', entry: 'kernel-log.txt' }] as const

/** The deaths that the kernel's messages of this boot tell of. */
export function kernelDeaths(messages: readonly KernelMessage[]): readonly Death[] {
  const places = new Map<number, Death['subject']>()
  const deaths: Death[] = []
  for (const { at, text } of messages) {
    const told = { witness: 'kernel', boot: 'this', at, evidence: EVIDENCE } as const
    const place = killPlace(text)
    const kill = killOf(text)
    const crash = crashOf(text)
    if (place !== undefined) places.set(place.pid, place.place)
    else if (kill !== undefined) {
      const { pid, subject, ...how } = kill
      deaths.push({ ...told, ...how, kind: 'oom', subject: { ...subject, ...places.get(pid) } })
    } else if (crash !== undefined) deaths.push({ ...told, kind: 'crash', ...crash })
  }
  return deaths
}
