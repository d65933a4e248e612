import type { Because } from '../words/evidence.ts'
import type { Finding, Receipt } from './schema.ts'

/** Opening, index mark, plan, manifest and row: each is one request. */
const DOCUMENTS = 5
/** Beside its parts: one that begins an upload, and one that ends it. */
const OF_UPLOAD = 2

/** What each source has stored, in bytes and in requests. */
export interface Spent {
  readonly requests: number
  readonly bytes_by_source: Record<string, number>
  readonly requests_by_source: Record<string, number>
}

/** What a receipt tells of what is stored. */
interface Stored {
  readonly source: string
  readonly objects: readonly { readonly bytes: number }[]
}

/** What a bundle cost, by its receipts, as if no request had been tried twice. */
export function spent({
  receipts,
  partBytes,
}: {
  readonly receipts: readonly Stored[]
  readonly partBytes: number
}): Spent {
  const [bytes, requests]: [Record<string, number>, Record<string, number>] = [{}, {}]
  for (const { source, objects } of receipts) {
    for (const object of objects) {
      const parts = Math.ceil(object.bytes / partBytes)
      bytes[source] = (bytes[source] ?? 0) + object.bytes
      requests[source] = (requests[source] ?? 0) + (parts <= 1 ? 1 : parts + OF_UPLOAD)
    }
  }
  const all = Object.values(requests).reduce((sum, some) => sum + some, DOCUMENTS)
  return { requests: all, bytes_by_source: bytes, requests_by_source: requests }
}

/** What is lost by a fault of ours weighs most, what somebody has wished least. */
const WEIGHT: readonly Because[] = ['collector', 'store', 'deadline', 'host', 'seal', 'limit']

/** Who is behind what is not complete: of several, who weighs most. Null where all is. */
export function worstBecause(receipts: readonly Receipt[]): Because | null {
  return WEIGHT.find((one) => receipts.some(({ because }) => because === one)) ?? null
}

/** Processes that hung; null where nobody has looked. */
export function stuckIn(receipts: readonly Receipt[]): number | null {
  const counts = receipts.flatMap(({ details }) => (details?.source === 'stacks' ? (details.stuck ?? 0) : []))
  return counts.length === 0 ? null : counts.reduce((sum, some) => sum + some, 0)
}

/** Of the program that a finding is about, as the core says that it names. */
export function buildIdOf(finding: Finding | undefined, receipts: readonly Receipt[]): string | null {
  const named = new Set(finding?.evidence.map(({ artifact }) => artifact))
  return receipts.find(({ artifact, item }) => named.has(artifact) && item.buildId !== undefined)?.item.buildId ?? null
}
