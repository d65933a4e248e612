import { seeded } from '../random.ts'

/** What a seed decides. Each decision has a name, so that one more of them changes no other. */
export interface Draw {
  /** In [0, 1). */
  number(): number
  /** From `least` to `most`. */
  between(least: number, most: number): number
  /** The same, as likely to be ten times as much as to be a tenth. Both greater than 0. */
  magnitude(least: number, most: number): number
  chance(share: number): boolean
  one<T>(of: readonly T[]): T
}

/** Draws of a seed for what the names tell. */
export function drawOf(seed: number, ...names: readonly (string | number)[]): Draw {
  const number = seeded(hashed([seed, ...names].join(' ')))
  // Its first numbers differ as little as the seeds do.
  for (let n = 0; n < 3; n++) number()
  const between = (least: number, most: number) => least + number() * (most - least)
  return {
    number,
    between,
    magnitude: (least, most) => Math.exp(between(Math.log(least), Math.log(most))),
    chance: (share) => number() < share,
    one: <T>(of: readonly T[]) => of[Math.floor(number() * of.length)] as T,
  }
}

/** FNV-1a, 32 bits, and MurmurHash3's finalizer, for names that differ in their last letter alone. */
function hashed(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
