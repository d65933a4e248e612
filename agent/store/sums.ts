import type { Hash } from 'node:crypto'

/** sha256 over one segment and over all of them; the same object while there is but one. */
export interface Sums {
  readonly own: Hash
  readonly total: Hash
}

export function update({ own, total }: Sums, body: Buffer): void {
  own.update(body)
  if (total !== own) total.update(body)
}

export function copy({ own, total }: Sums): Sums {
  const now = own.copy()
  return { own: now, total: total === own ? now : total.copy() }
}

/** The sum so far; the hash can go on. */
export function hex(hash: Hash): string {
  return hash.copy().digest('hex')
}
