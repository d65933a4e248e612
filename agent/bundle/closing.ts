import { isoTime, NO_TIME } from '../words/instant.ts'
import { fingerprinted } from './fingerprinted.ts'
import type { BundleName } from './keys.ts'
import { lasts } from './lasts.ts'
import { buildIdOf, spent, stuckIn, worstBecause } from './row-sums.ts'
import type { Finding, Manifest, Opening, Receipt, Row, Shutdown } from './schema.ts'

/** What is known at the end of a capture. */
export interface Ending {
  /** ms that it took, by the monotonic clock */
  readonly duration: number
  /** ms for which applications were held, where there were any to hold. */
  readonly held?: number | undefined
  readonly shutdown: Shutdown | undefined
  readonly clockSkew: number | undefined
  /** What was wrong with the settings. */
  readonly problems: readonly string[]
  readonly receipts: readonly Receipt[]
  /** What matters most first. */
  readonly findings: readonly Finding[]
}

/** The closing manifest: the opening, and what became of it all. */
export function closingManifest(opening: Opening, ending: Ending): Manifest {
  const { shutdown, clockSkew, problems, receipts, findings, held } = ending
  const durationMs = Math.round(ending.duration)
  return {
    ...opening,
    ended: isoTime(Date.parse(opening.started) + durationMs) ?? NO_TIME,
    durationMs,
    ...(held !== undefined && { heldMs: Math.round(held) }),
    status: bundleStatus(receipts),
    why: findings[0]?.kind ?? 'unknown',
    ...(shutdown && { shutdown }),
    ...(clockSkew !== undefined && { clockSkewMs: clockSkew }),
    problems: [...problems],
    findings: [...fingerprinted(findings, receipts)],
    receipts: [...receipts],
  }
}

/** The manifest as one flat row of the index. */
export function indexRow(manifest: Manifest, { identity, bundle }: BundleName): Row {
  const { receipts, findings, shutdown, ended } = manifest
  const count = (status: Receipt['status']) => receipts.filter((receipt) => receipt.status === status).length
  const sum = (field: 'bytesIn' | 'bytesStored') => receipts.reduce((total, receipt) => total + receipt[field], 0)
  const ofThisBoot = findings.filter(({ boot }) => boot !== 'earlier')
  // Not the kernel's own faults.
  const crashes = ofThisBoot.filter(({ kind, rule }) => kind === 'crash' && rule === undefined)
  const ooms = ofThisBoot.filter(({ kind }) => kind === 'oom')
  const [first] = findings
  return {
    ...openingColumns(manifest, { identity, bundle }),
    status: manifest.status,
    why: manifest.why,
    why_unit: first?.subject.unit ?? null,
    why_exe: programOf(first),
    why_build_id: buildIdOf(first, receipts),
    why_pod: first?.subject.pod ?? null,
    why_namespace: first?.subject.namespace ?? null,
    why_container: first?.subject.containerName ?? null,
    fingerprint: first?.fingerprint ?? null,
    shutdown_kind: shutdown?.kind ?? null,
    shutdown_by: shutdown?.by ?? null,
    shutdown_cancelled: shutdown?.cancelled ?? false,
    ended,
    duration_ms: manifest.durationMs,
    held_ms: manifest.heldMs ?? null,
    clock_skew_ms: manifest.clockSkewMs ?? null,
    artifacts: receipts.filter(({ objects }) => objects.length > 0).length,
    complete: count('complete'),
    truncated: count('truncated'),
    skipped: count('skipped'),
    failed: count('failed'),
    bytes_in: sum('bytesIn'),
    bytes_stored: sum('bytesStored'),
    ...spent(manifest),
    worst_because: worstBecause(receipts),
    crashes: total(crashes),
    crash_exe: programOf(crashes[0]),
    crash_unit: crashes[0]?.subject.unit ?? null,
    crash_signal: crashes[0]?.signal ?? null,
    oom_kills: total(ooms),
    oom_exe: programOf(ooms[0]),
    oom_unit: ooms[0]?.subject.unit ?? null,
    stuck: stuckIn(receipts),
  }
}

/** The columns that a bundle's opening tells. */
export function openingColumns(opening: Opening, { identity, bundle }: BundleName) {
  const { host, labels = {}, started } = opening
  return {
    version: 1,
    identity,
    bundle,
    host: host.name,
    boot_id: host.bootId ?? null,
    kernel: host.kernel,
    os: host.os ?? null,
    arch: host.arch,
    image: labels.image ?? host.image ?? null,
    zone: labels.zone ?? host.zone ?? null,
    instance_type: labels.instance_type ?? host.instanceType ?? null,
    group: labels.group ?? host.group ?? null,
    labels: { ...labels },
    agent: opening.agent,
    trigger: opening.trigger,
    about_boot_id: opening.about?.bootId ?? null,
    about_bundle: opening.about?.bundle ?? null,
    requested_at: opening.requested ?? null,
    started,
    deadline_ms: Math.round(lasts(opening) * 1000),
    sealed: opening.recipients.length > 0,
  } as const
}

const programOf = (finding: Finding | undefined) => finding?.subject.exe ?? finding?.subject.comm ?? null
const total = (findings: readonly Finding[]) => findings.reduce((sum, { count }) => sum + (count ?? 1), 0)

/** What a bundle is as a whole: see BUNDLE.md. */
function bundleStatus(receipts: readonly Receipt[]): Manifest['status'] {
  const fine = ({ status, because }: Receipt) => status === 'complete' || status === 'absent' || because === 'limit'
  return receipts.every(fine) ? 'complete' : 'partial'
}
