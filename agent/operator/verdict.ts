import { constants } from 'node:os'
import { byWeight } from '../bundle/closing.ts'
import type { Receipt } from '../bundle/schema.ts'
import { countOf } from '../count-of.ts'
import type { BundleView } from './bundle-view.ts'
import { holdings } from './holdings.ts'

/** A crash that the bundle tells of. */
export interface Crash {
  /** Path of the program, or its name as the kernel has it, or `?`. */
  readonly program: string
  readonly unit: string | undefined
  /** `SIGSEGV`, or `signal 99`. */
  readonly signal: string | undefined
  readonly pid: number | undefined
  /** ms since the epoch */
  readonly at: number | undefined
  readonly receipt: Receipt
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
  /** What the host tells of before what is a user's word, newest first. */
  readonly crashes: readonly Crash[]
  /** What is to be said of crashes when there is none to tell of. */
  readonly otherwise: string
  /** What is amiss: nothing here, and the evidence is complete. */
  readonly lacks: readonly Lack[]
  /** What a setting kept out: as was wished, and yet to be told. */
  readonly leftOut: readonly Lack[]
}

/** The name of a signal by its number: signal(7). */
export function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `signal ${number}`
}

/** What a bundle tells before any of its artifacts is opened: what crashed, and what is missing. */
export function verdict(view: BundleView): Verdict {
  const { manifest } = view
  const receipts = manifest?.receipts ?? []
  const crashes = receipts
    .filter(({ source, item }) => source === 'cores' && (item.signal !== undefined || item.pid !== undefined))
    .toSorted(byWeight)
    .map(crashOf)
  const incomplete = receipts.filter(({ status }) => status !== 'complete' && status !== 'absent')
  const lacks = [
    ...(manifest === undefined ? unclosed(view) : []),
    ...view.faults.map((why) => ({ artifact: 'documents', what: 'unreadable', why })),
    ...incomplete.filter(({ because }) => because !== 'limit').map(lackOf),
    ...lostObjects(view),
  ]
  const leftOut = incomplete.filter(({ because }) => because === 'limit').map(lackOf)
  return { crashes, otherwise: otherwise(view), lacks, leftOut }
}

function crashOf(receipt: Receipt): Crash {
  const { exe, comm, unit, signal, pid, at } = receipt.item
  return {
    program: exe ?? comm ?? '?',
    unit,
    signal: signal === undefined ? undefined : signalName(signal),
    pid,
    at,
    receipt,
  }
}

function lackOf({ artifact, source, status, reason, because }: Receipt): Lack {
  return { artifact, source, what: status, why: reason ?? (because === undefined ? 'no reason was given' : because) }
}

/** What a bundle without a manifest lacks: the manifest itself, and what was planned and has not arrived. */
function unclosed(view: BundleView): Lack[] {
  const running = view.state === 'open'
  const why = running ? 'the capture may still be running' : 'the host was gone before its capture ended'
  const what = running ? 'not yet' : 'missing'
  const arrived = new Set(holdings(view).map(({ artifact }) => artifact))
  const planned = (view.plan?.artifacts ?? []).filter(({ artifact }) => !arrived.has(artifact))
  return [
    { artifact: 'manifest.json', what, why },
    ...planned.map(({ artifact, source, decision, reason }) =>
      decision === 'skip'
        ? { artifact, source, what: 'skipped', why: reason ?? 'no reason was given' }
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

function otherwise({ manifest, plan }: BundleView): string {
  const cores = manifest?.receipts.find(({ source }) => source === 'cores')
  if (cores?.status === 'absent') return 'Nothing had crashed.'
  if (cores !== undefined) return `Whether something crashed is not known: ${cores.reason ?? cores.status}`
  if (manifest !== undefined) return 'Whether something crashed is not known: crashed cores were not looked for.'
  const planned = plan?.artifacts.filter(({ source }) => source === 'cores').length ?? 0
  if (planned > 0)
    return `${countOf(planned, 'crashed core was', 'crashed cores were')} found; the journal tells of what.`
  return 'Whether something crashed is not known: the capture was not closed.'
}
