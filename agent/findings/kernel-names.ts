import { isPlain } from '../words/plain.ts'
import type { Death } from './death.ts'

/**
 * Names of processes (15 bytes) and cgroups stand in these messages, and users choose them. So each form is held against the whole of what
 * the kernel writes around them, from the message's beginning.
 */
export const NAME = '(.{0,15})'

/** Who it is, by the name that the kernel has; nobody where that is not plain. */
export const named = (name: string | undefined): Death['subject'] =>
  name !== undefined && name !== '' && isPlain(name) ? { comm: name } : {}
