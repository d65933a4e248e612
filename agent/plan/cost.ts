import type { Receipt } from '../bundle/schema.ts'
import type { InventoryItem } from '../words/evidence.ts'

/** What a capture expects of its host and its store, in bytes per second. */
export interface Rates {
  readonly read: number
  readonly store: number
}

/**
 * Assumed until the capture has seen better: one zstd core over what was read, and a store behind a 400 Mbit/s link.
 * Measured on two cores: zstd level 1 on the pool 580 MB/s, one stream to a local store 170 MiB/s. Both are halved or worse
 * for a host that is busy dying.
 */
export const ASSUMED_RATES: Rates = { read: 200 * 1024 * 1024, store: 50 * 1024 * 1024 }

/** Round trips of one object (a put, or begin + part + complete) at an unhurried 100 ms. */
export const REQUESTS_MS = 300

/** What an item is expected to take. */
export interface Cost {
  readonly bytesStored: number
  readonly ms: number
}

/** What a byte of a hole takes of what a byte that is read takes: a second for 64 GiB, measured, on a host that reads 200 MiB in one. */
const HOLE_COST = 1 / 300

/** Cost of the first `bytes` of an item: reading and storing overlap, so the slower one counts. */
export function costOf(item: Measured, bytes: number, rates: Rates): Cost {
  const bytesStored = Math.ceil(bytes * item.ratio)
  const ms = REQUESTS_MS + Math.max(((bytes * toRead(item)) / rates.read) * 1000, (bytesStored / rates.store) * 1000)
  return { bytesStored, ms: Math.ceil(ms) }
}

/** How many bytes of an item fit into `ms`; 0 when not even the requests do. */
export function bytesWithin(item: Measured & Pick<InventoryItem, 'bytes'>, ms: number, rates: Rates): number {
  const seconds = Math.max(0, ms - REQUESTS_MS) / 1000
  const perByte = Math.max(toRead(item) / rates.read, item.ratio / rates.store)
  return Math.min(item.bytes, Math.floor(seconds / perByte))
}

type Measured = Pick<InventoryItem, 'ratio'> & Partial<Pick<InventoryItem, 'bytes' | 'holes'>>

/** The share of an item that has to be read, a hole's byte counted as what it costs. */
function toRead({ bytes = 0, holes = 0 }: Measured): number {
  return bytes === 0 ? 1 : 1 - (Math.min(holes, bytes) / bytes) * (1 - HOLE_COST)
}

type Seen = Pick<Receipt, 'bytesIn' | 'bytesStored' | 'ms'> & { readonly item?: Pick<Receipt['item'], 'holes'> }

/** Rates after `bytesIn` were read and `bytesStored` stored in `ms`: what was seen counts as much as what was assumed. */
export function observed(rates: Rates, seen: Seen): Rates {
  const seconds = seen.ms / 1000
  // Small objects tell of round trips, not of rates.
  if (seen.bytesStored < LEAST_TELLING_BYTES || seconds <= 0) return rates
  const blend = (old: number, now: number) => Math.max(1, Math.round((old + now) / 2))
  return {
    read: blend(rates.read, (seen.bytesIn - (seen.item?.holes ?? 0)) / seconds),
    store: blend(rates.store, seen.bytesStored / seconds),
  }
}

const LEAST_TELLING_BYTES = 8 * 1024 * 1024
