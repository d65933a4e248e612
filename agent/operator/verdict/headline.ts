import type { Finding, Receipt } from '../../bundle/schema.ts'
import { hasCore, homeOf, idOf } from '../../findings/sentence.ts'
import type { BundleView } from '../bundle/bundle-view.ts'
import { stateStyle } from '../catalogue/list-lines.ts'
import { instant } from '../catalogue/moments.ts'
import { type Line, styled } from '../terminal/line.ts'
import { few, TOLD, text, titled } from '../terminal/page.ts'
import { type Screen, shortened, wrap } from '../terminal/table.ts'
import { beforeTheEnd } from './before-the-end.ts'
import { arrivedTold } from './cut-table.ts'
import { hangs } from './hangs.ts'
import { memoryTold } from './memory-told.ts'
import type { Death, Verdict } from './verdict.ts'

/** What a person reads first of a bundle: whether it is whole, what its host died of, what hung, what of its memory there is. */
export function headline(
  view: BundleView,
  { findings, deaths, otherwise, unfinished }: Verdict,
  screen: Screen,
): Line[] {
  const { state, manifest, opening, name } = view
  const host = shortened(opening?.host.name ?? name.identity)
  const before = opening?.trigger === 'previous-boot'
  const lines = findings.slice(0, TOLD).flatMap((finding) => {
    const death = deaths.find((one) => one.finding === finding)
    return titled('bold', titleOf(finding.kind), death === undefined ? told(finding) : deathLine(death, before), screen)
  })
  const more = findings.length > TOLD ? [`         and ${findings.length - TOLD} more`] : []
  const { shutdown } = manifest ?? {}
  const kind = shutdown === undefined ? '' : `, ${shutdown.cancelled ? 'cancelled' : shutdown.kind}`
  const ended = before ? '; all of this is of the boot before' : kind
  return [
    [styled(stateStyle(state), state), `  ${host}, ${instant(startOf(opening))}${ended}`],
    ...lines,
    ...more,
    ...(lines.length > 0 ? [] : wrap(text(otherwise), screen.width ?? Infinity)),
    ...(manifest === undefined ? wrap(arrivedTold(view, unfinished), screen.width ?? Infinity) : []),
    ...few(hangs(manifest?.receipts ?? [])).flatMap((hang) => titled('bold', 'stuck', hang, screen)),
    ...few(beforeTheEnd(manifest?.receipts ?? [])).flatMap((told) => titled('bold', 'grew', told, screen)),
    ...few(memoryTold(manifest?.receipts ?? [])).flatMap((told) => titled('bold', 'memory', told, screen)),
  ]
}

/** What a finding begins with. Of a kind that is newer than this reader, its own name. */
function titleOf(kind: string): string {
  const titles: Readonly<Record<string, string>> = {
    crash: 'crashed',
    oom: 'killed',
    hang: 'hung',
    exhausted: 'run out',
    failed: 'failed',
    unknown: 'unknown',
    healthy: 'healthy',
  }
  return titles[kind] ?? kind
}

/** A finding that is of no process; when it was, where that is known. */
const told = ({ sentence, at }: Finding) =>
  at === undefined ? sentence : `${sentence.replace(/\.$/, '')}, ${instant(at)}.`

function deathLine({ finding, program, unit, signal, at, receipt }: Death, before: boolean): string {
  const { kind, rule, subject, count, certainty, boot, late, grew } = finding
  if (count !== undefined) return finding.sentence
  if (rule === 'oom-oomd' || grew !== undefined) return told(finding)
  const home = homeOf({ ...subject, unit })
  const of = home === undefined ? '' : ` of ${home}`
  const by = kind === 'oom' ? ' for want of memory' : signal === undefined ? '' : ` by ${signal}`
  const id = idOf(subject)
  const as = id === undefined ? '' : `, ${id}`
  const when = `, ${at === undefined ? 'time unknown' : instant(at)}`
  const lately = boot === 'earlier' ? ', in an earlier boot' : late ? ', while the host went down' : ''
  const whereabouts = before ? BOOT_BEFORE[boot] : lately
  const says = certainty === 'claimed' ? `, as user ${subject.uid} says` : ''
  return `${program}${of}${by}${as}${when}${whereabouts}${says}${kind === 'crash' ? coreTold(finding, receipt) : ''}`
}

/** Of a bundle that is about the boot before, when something was. */
const BOOT_BEFORE: Readonly<Record<Finding['boot'], string>> = {
  this: ', in the boot before',
  earlier: ', in an earlier boot',
  unknown: ', in the boot before or an earlier one',
}

/** What there is to be said of a crash's core where it is not in the bundle. */
function coreTold(finding: Finding, receipt: Receipt | undefined): string {
  if (receipt === undefined) return hasCore(finding) ? '; its core has no receipt' : '; no core was found'
  return receipt.objects.length > 0 ? '' : `; its core is not here: ${receipt.status}`
}

const startOf = (opening: { started: string } | undefined) =>
  opening === undefined ? undefined : Date.parse(opening.started)
