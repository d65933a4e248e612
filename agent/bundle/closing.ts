import type { BundleName, BundleStatus } from './keys.ts'
import type { Manifest, Opening, Receipt, Row, Shutdown } from './schema.ts'

/** What is known at the end of a capture. */
export interface Ending {
  /** ms since the epoch */
  readonly ended: number
  readonly shutdown: Shutdown | undefined
  readonly clockSkew: number | undefined
  /** What was wrong with the settings. */
  readonly problems: readonly string[]
  readonly receipts: readonly Receipt[]
}

/** The closing manifest: the opening, and what became of it all. */
export function closingManifest(
  opening: Opening,
  { ended, shutdown, clockSkew, problems, receipts }: Ending,
): Manifest {
  return {
    ...opening,
    ended: new Date(ended).toISOString(),
    status: bundleStatus(receipts),
    ...(shutdown && { shutdown }),
    ...(clockSkew !== undefined && { clockSkewMs: clockSkew }),
    problems: [...problems],
    receipts: [...receipts],
  }
}

/** The manifest as one flat row of the index. */
export function indexRow(manifest: Manifest, { identity, bundle }: BundleName): Row {
  const { receipts, host, shutdown, started, ended } = manifest
  const count = (status: Receipt['status']) => receipts.filter((receipt) => receipt.status === status).length
  const sum = (field: 'bytesIn' | 'bytesStored') => receipts.reduce((total, receipt) => total + receipt[field], 0)
  const crashes = receipts.filter(({ source, artifact }) => source === 'cores' && artifact !== source)
  const [newest] = crashes.toSorted(byWeight)
  return {
    version: 1,
    identity,
    bundle,
    status: manifest.status,
    host: host.name,
    boot_id: host.bootId ?? null,
    kernel: host.kernel,
    os: host.os ?? null,
    arch: host.arch,
    agent: manifest.agent,
    trigger: manifest.trigger,
    shutdown_kind: shutdown?.kind ?? null,
    shutdown_by: shutdown?.by ?? null,
    started,
    ended,
    duration_ms: Math.max(0, Date.parse(ended) - Date.parse(started)),
    clock_skew_ms: manifest.clockSkewMs ?? null,
    artifacts: receipts.filter(({ objects }) => objects.length > 0).length,
    complete: count('complete'),
    truncated: count('truncated'),
    skipped: count('skipped'),
    failed: count('failed'),
    bytes_in: sum('bytesIn'),
    bytes_stored: sum('bytesStored'),
    sealed: manifest.recipients.length > 0,
    crashes: crashes.length,
    crash_exe: newest?.item.exe ?? newest?.item.comm ?? null,
    crash_unit: newest?.item.unit ?? null,
    crash_signal: newest?.item.signal ?? null,
  }
}

/** Crashes that the host tells of before those that are a user's word, then the newest first. */
export function byWeight(a: Pick<Receipt, 'item'>, b: Pick<Receipt, 'item'>): number {
  const isClaimed = ({ item }: Pick<Receipt, 'item'>) => Number(item.claimed ?? false)
  return isClaimed(a) - isClaimed(b) || (b.item.at ?? 0) - (a.item.at ?? 0)
}

/** What a bundle is as a whole: see BUNDLE.md. */
function bundleStatus(receipts: readonly Receipt[]): BundleStatus {
  const fine = ({ status, because }: Receipt) => status === 'complete' || status === 'absent' || because === 'limit'
  return receipts.every(fine) ? 'complete' : 'partial'
}
