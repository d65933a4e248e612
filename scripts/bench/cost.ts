/** What 10,000 hosts that die healthy cost a day, as the README has it. Run by itself it prints the table. */

/**
 * What a healthy host's bundle takes of a store: writes, with the five of documents and index, and bytes with recipients and without. These are the most that scenarios
 * `sound` (sealed) and `healthy` (not) of test/vm allow. Both say what it was ("n requests and m bytes"): put that here, rounded up.
 */
export const HEALTHY = { requests: 12, sealed: 1024 * 1024, unsealed: 200 * 1000 } as const

const DEATHS = 10_000
/** Kept for 30 days, which is the month by which storage is billed. */
const GIB = 1024 ** 3

/** A store's list prices in US dollars: of a million writes (PUT; class A), and of a GiB for a month. */
interface Prices {
  readonly store: string
  readonly writes: number
  readonly month: number
}

/**
 * Assumed, as the providers list them without allowances: aws.amazon.com/s3/pricing (Standard, the first 50 TB, as of 2025), cloud.google.com/storage/pricing (Standard,
 * one region; $0.000027397 a GiB and hour, as of 2026-09-20), developers.cloudflare.com/r2/pricing (Standard, as of 2026-08-03).
 */
const PRICES: readonly Prices[] = [
  { store: 'Amazon S3, us-east-1', writes: 5, month: 0.023 },
  { store: 'Google Cloud Storage, us-central1', writes: 5, month: 0.02 },
  { store: 'Cloudflare R2', writes: 4.5, month: 0.015 },
]

/** The table in Markdown. */
export function costTable(): string {
  const rows = PRICES.map(({ store, writes, month }) => {
    const requests = (DEATHS * HEALTHY.requests * writes) / 1e6
    const stored = (bytes: number) => ((DEATHS * bytes) / GIB) * month
    const [sealed, unsealed] = [stored(HEALTHY.sealed), stored(HEALTHY.unsealed)]
    return [store, requests, sealed, requests + sealed, unsealed, requests + unsealed]
  })
  const title = ['store', 'requests', 'stored, sealed', '**a day, sealed**', 'stored, without', '**a day, without**']
  const told = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? `$${cell.toFixed(2)}` : cell)))
  return [title, title.map((_, n) => (n === 0 ? '---' : '--:')), ...told]
    .map((cells) => `| ${cells.join(' | ')} |\n`)
    .join('')
}

if (import.meta.main) process.stdout.write(costTable())
