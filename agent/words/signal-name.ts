import { constants } from 'node:os'

/** The name of a signal by its number (signal(7)): `SIGSEGV`, or `signal 99`. */
export function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `signal ${number}`
}
