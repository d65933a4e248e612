import { type Boot, isPlausible } from '../host/this-boot.ts'
import type { CoreFile } from './core-file.ts'

/**
 * In which boot a core was written: by the boot's id where its name has one, by where it lies, else by its time. A time tells nothing that no
 * clock had, or that lies before this boot by a clock that was set since.
 */
export function bootOf({ identity, isVolatile, at }: CoreFile, boot: Boot): 'this' | 'unknown' | 'earlier' {
  if (identity.bootId !== undefined && boot.id !== undefined) return identity.bootId === boot.id ? 'this' : 'earlier'
  if (isVolatile || at >= boot.began) return 'this'
  return at >= boot.earliest || !isPlausible(at) ? 'unknown' : 'earlier'
}

/**
 * Whether a core is older than `age` ms for certain: what this boot has written is no older than the boot, whatever its time says, and a time
 * that no clock had says nothing.
 */
export function isOlder(core: CoreFile, age: number, now: number, boot: Boot): boolean {
  const isTold = bootOf(core, boot) === 'earlier' ? isPlausible(core.at) : core.at >= boot.began
  return isTold && now - core.at > age
}
