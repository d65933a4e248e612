import { ok } from 'node:assert/strict'
import { spent } from '../../agent/bundle/row-sums.ts'
import type { StoredBundle } from './bucket.ts'

/** Of a healthy host's bundle: it is one request for each object, which are small, and for opening, mark, plan, manifest and row. */
const MOST_REQUESTS = 12

/** What a healthy host costs, whose bundle this is. */
export function checkCost({ manifest }: StoredBundle, mostBytes: number, step: (what: string) => void): void {
  for (const { artifact, bytesStored } of manifest.receipts) step(`${artifact} ${bytesStored}`)
  const { requests, bytes_by_source } = spent(manifest)
  const bytes = Object.values(bytes_by_source).reduce((sum, some) => sum + some, 0)
  step(`${requests} requests and ${bytes} bytes`)
  ok(requests <= MOST_REQUESTS, `${requests} requests`)
  ok(bytes <= mostBytes, `${bytes} bytes`)
}
