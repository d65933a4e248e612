import { lengthOf } from '../words/ranges.ts'
import { indexRow, openingColumns } from './closing.ts'
import type { BundleName } from './keys.ts'
import { spent } from './row-sums.ts'
import type { SalvagedReceipt } from './salvage-schema.ts'
import type { Manifest, Opening, Row } from './schema.ts'

/** Stands for the source of what came up after the plan. */
const UNPLANNED = 'unplanned'

/** The row of a bundle that its host has closed without a row. */
export function rowOfManifest(manifest: Manifest, name: BundleName): Row {
  return { ...indexRow(manifest, name), status: 'salvaged' }
}

/** The row of a bundle that its host has not closed: what it died of is not known without what only a manifest tells. */
export function salvagedRow(opening: Opening, receipts: readonly SalvagedReceipt[], name: BundleName): Row {
  const count = (status: SalvagedReceipt['status']) => receipts.filter((receipt) => receipt.status === status).length
  // Filler is no evidence.
  const stored = receipts.map(({ source = UNPLANNED, objects }) => ({
    source,
    objects: objects.map(({ bytes, upload }) => ({ bytes: bytes - lengthOf(upload?.holes ?? []) })),
  }))
  return {
    ...openingColumns(opening, name),
    status: 'salvaged',
    why: 'unknown',
    ...{
      why_unit: null,
      why_exe: null,
      why_build_id: null,
      why_pod: null,
      why_namespace: null,
      why_container: null,
      fingerprint: null,
    },
    ...{ shutdown_kind: null, shutdown_by: null, shutdown_cancelled: false },
    ...{ ended: null, duration_ms: null, held_ms: null, clock_skew_ms: null },
    artifacts: receipts.filter(({ objects }) => objects.length > 0).length,
    // Nobody has looked whether they are.
    complete: null,
    truncated: count('unfinished'),
    skipped: count('skipped'),
    failed: count('missing'),
    bytes_in: null,
    bytes_stored: receipts.reduce((sum, { bytesStored }) => sum + bytesStored, 0),
    ...spent({ receipts: stored, partBytes: opening.partBytes }),
    worst_because: 'host',
    ...{ crashes: null, crash_exe: null, crash_unit: null, crash_signal: null },
    ...{ oom_kills: null, oom_exe: null, oom_unit: null, stuck: null },
  }
}
