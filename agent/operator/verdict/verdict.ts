import type { Finding, Receipt } from '../../bundle/schema.ts'
import { isDeath } from '../../findings/is-death.ts'
import { countOf } from '../../words/count-of.ts'
import { signalName } from '../../words/signal-name.ts'
import { formatBytes } from '../../words/units.ts'
import type { BundleView } from '../bundle/bundle-view.ts'
import { artifactOf, holdings } from '../bundle/holdings.ts'
import { holesTold } from '../bundle/salvage-told.ts'
import type { Unsalvaged } from '../salvage/unsalvaged.ts'
import { ONLY_IN_TROUBLE } from './cut-table.ts'

/** A process that died and should not have, as the bundle tells of it. */
export interface Death {
  readonly finding: Finding
  /** Path of the program, or its name as the kernel has it, or `?`. */
  readonly program: string
  readonly unit: string | undefined
  /** `SIGSEGV`, or `signal 99`. */
  readonly signal: string | undefined
  readonly pid: number | undefined
  /** ms since the epoch */
  readonly at: number | undefined
  /** Of its core, where one was found. */
  readonly receipt: Receipt | undefined
}

/** Something of the evidence that is not there. */
export interface Lack {
  readonly artifact: string
  /** Undefined where it is about the bundle as a whole. */
  readonly source?: string
  readonly what: string
  readonly why: string
}

export interface Verdict {
  /** The findings of the manifest, what matters most first. */
  readonly findings: readonly Finding[]
  /** Those of them that are of a process that died, in the same order. */
  readonly deaths: readonly Death[]
  /** What is to be said where there is no finding, for want of a manifest. */
  readonly otherwise: string
  /** What has arrived and nobody can read yet, by artifact: bytes in unfinished uploads. */
  readonly unfinished: ReadonlyMap<string, number>
  /** What is amiss: nothing here, and the evidence is complete. */
  readonly lacks: readonly Lack[]
  /** What a setting kept out: as was wished, and yet to be told. */
  readonly leftOut: readonly Lack[]
}

/** What a bundle tells before any of its artifacts is opened: what crashed, what is missing, and what there is to salvage. */
export function verdict(view: BundleView, unsalvaged: Unsalvaged = { uploads: [] }): Verdict {
  const { manifest } = view
  const bytes = new Map(unsalvaged.uploads.map((upload) => [artifactOf(upload.name), upload.bytes]))
  const receipts = manifest?.receipts ?? []
  const findings = manifest?.findings ?? []
  const cores = new Map(
    receipts.filter(({ source }) => source === 'cores').map((receipt) => [receipt.artifact, receipt]),
  )
  const deaths = findings.filter(isDeath).map((death) => deathOf(death, cores))
  const incomplete = receipts.filter(({ status }) => status !== 'complete' && status !== 'absent')
  const lacks = [
    ...(manifest === undefined ? unclosed(view, bytes) : []),
    ...view.faults.map((why) => ({ artifact: 'documents', what: 'unreadable', why })),
    ...incomplete.filter(({ because }) => because !== 'limit').map(lackOf),
    ...lostObjects(view),
    ...withHoles(view),
    ...unfinished(view, unsalvaged),
  ]
  const leftOut = incomplete.filter(({ because }) => because === 'limit').map(lackOf)
  return { findings, deaths, otherwise: otherwise(view), unfinished: bytes, lacks, leftOut }
}

function deathOf(finding: Finding, cores: ReadonlyMap<string, Receipt>): Death {
  const { subject, signal, at, evidence } = finding
  const { exe, comm, unit, pid } = subject
  return {
    finding,
    program: exe ?? comm ?? '?',
    unit,
    signal: signal === undefined ? undefined : signalName(signal),
    pid,
    at,
    receipt: evidence.map(({ artifact }) => cores.get(artifact)).find((receipt) => receipt !== undefined),
  }
}

function lackOf({ artifact, source, status, reason, because }: Receipt): Lack {
  return { artifact, source, what: status, why: reason ?? (because === undefined ? 'no reason was given' : because) }
}

/** What a bundle without a manifest lacks: the manifest itself, and what was planned and has not arrived. */
function unclosed(view: BundleView, unfinished: ReadonlyMap<string, number>): Lack[] {
  const running = view.state === 'open'
  const why = running ? 'the capture may still be running' : 'the host was gone before its capture ended'
  const what = running ? 'not yet' : 'missing'
  const arrived = new Set(holdings(view).map(({ artifact }) => artifact))
  const planned = (view.plan?.artifacts ?? []).filter(
    ({ artifact }) => !arrived.has(artifact) && !unfinished.has(artifact),
  )
  const row = view.claimed
  const claim = `its row says ${row}, which is the word of whoever may write there: no capture writes one before its manifest`
  return [
    { artifact: 'manifest.json', what, why },
    ...(row === undefined ? [] : [{ artifact: 'index', what: 'not to be believed', why: claim }]),
    ...planned.map(({ artifact, source, decision, reason }) =>
      decision === 'skip'
        ? { artifact, source, what: 'skipped', why: reason ?? 'no reason was given' }
        : decision === 'if-trouble'
          ? { artifact, source, what: 'skipped', why: ONLY_IN_TROUBLE }
          : { artifact, source, what, why },
    ),
  ]
}

function lostObjects(view: BundleView): Lack[] {
  return holdings(view).flatMap(({ artifact, receipt, fault }) =>
    receipt === undefined || fault === undefined
      ? []
      : [{ artifact, source: receipt.source, what: 'lost', why: fault }],
  )
}

/** What had not arrived when a bundle was salvaged, where no manifest tells of it. */
function withHoles(view: BundleView): Lack[] {
  return holdings(view).flatMap(({ artifact, holes }) =>
    holes.length === 0 ? [] : [{ artifact, what: 'has holes', why: holesTold(holes) }],
  )
}

/** What has arrived, and nobody can read yet. */
function unfinished({ name, manifest }: BundleView, { uploads, unseen }: Unsalvaged): Lack[] {
  const how = `lastgasp salvage ${name.bundle}`
  const why = (bytes: number) => `${formatBytes(bytes)} of it arrived, in an upload that was not completed: ${how}`
  const lacks = uploads.map(({ name, bytes }) => ({
    artifact: artifactOf(name),
    what: 'not salvaged',
    why: why(bytes),
  }))
  // A bundle that was closed has a receipt of what could not be completed.
  if (unseen === undefined || manifest !== undefined) return lacks
  return [...lacks, { artifact: 'unfinished uploads', what: 'not looked for', why: unseen }]
}

function otherwise({ manifest, plan }: BundleView): string {
  if (manifest !== undefined) return 'Whether anything had crashed is not known: the manifest has no findings.'
  const planned = plan?.artifacts.filter(({ source }) => source === 'cores').length ?? 0
  if (planned > 0)
    return `${countOf(planned, 'crashed core was', 'crashed cores were')} found; the journal tells of what.`
  return 'Whether anything had crashed is not known: the capture was not closed.'
}
