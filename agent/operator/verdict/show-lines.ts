import type { Opening, Receipt, Shutdown } from '../../bundle/schema.ts'
import { homeOf } from '../../findings/sentence.ts'
import { formatBytes, formatDuration } from '../../words/units.ts'
import type { BundleView } from '../bundle/bundle-view.ts'
import { detailsTold } from '../bundle/details-told.ts'
import { instant } from '../catalogue/moments.ts'
import type { Step } from '../debuggers/next-steps.ts'
import { librariesApart } from '../terminal/libraries-apart.ts'
import { type Line, type Style, styled } from '../terminal/line.ts'
import { few, text, titled } from '../terminal/page.ts'
import { type Column, type Screen, shortened, table, wrap } from '../terminal/table.ts'
import { uncheckedTold } from '../verify/core-length.ts'
import { cutTable } from './cut-table.ts'
import { headline } from './headline.ts'
import type { Lack, Verdict } from './verdict.ts'

/** More than settings can be wrong in at once, before the rest is a number. */
const PROBLEMS_TOLD = 50
/** Letters of a note beside an artifact: three lines of a terminal. */
const NOTE = 240
/** As many recipients as the settings take. */
const RECIPIENTS_TOLD = 32

/** A bundle as a page for people: the verdict, the circumstances, the receipts, what is missing. */
export function showLines(view: BundleView, found: Verdict, screen: Screen): Line[] {
  return [
    ...headline(view, found, screen),
    '',
    ...circumstances(view, screen),
    '',
    ...(view.manifest === undefined
      ? cutTable(view, found.unfinished, statusStyle, screen)
      : receiptTable(view.manifest.receipts, screen)),
    // What was planned and is not there stands in the table of a bundle that was cut.
    ...lackLines(
      found.lacks.filter(({ source }) => view.manifest !== undefined || source === undefined),
      screen,
    ),
    ...section('Left out, as the settings have it', found.leftOut.map(lackLine), screen),
    ...section('Problems with the settings', few(view.manifest?.problems ?? [], PROBLEMS_TOLD), screen, 'yellow'),
  ]
}

/** Commands to paste, each below what it is for. They are never wrapped. */
export function stepLines(title: string, steps: readonly Step[]): Line[] {
  if (steps.length === 0) return []
  const lines = steps.flatMap(({ about, command }): Line[] => [[styled('dim', `  # ${about}`)], `  ${command}`])
  return ['', [styled('bold', title)], ...lines]
}

/** The recipients of a bundle, as its opening names them, in a line. */
export function recipientsTold(recipients: readonly string[]): string {
  return few(recipients, RECIPIENTS_TOLD).map(shortened).join(', ')
}

function circumstances({ name, opening, manifest }: BundleView, screen: Screen): Line[] {
  const facts: [string, string | undefined][] = [
    ['bundle', `${name.identity}/${name.bundle}`],
    [
      'host',
      opening &&
        [opening.host.name, opening.host.os, `kernel ${opening.host.kernel}`, opening.host.arch]
          .filter(Boolean)
          .join(', '),
    ],
    ['image', opening && ofFleet(opening.host)],
    ['boot', opening?.host.bootId],
    ['about', opening && aboutTold(opening)],
    ['print', manifest?.findings[0]?.fingerprint && `${manifest.findings[0].fingerprint}${ALIKE}`],
    ['history', opening?.trigger === 'previous-boot' ? HISTORY_LOST : undefined],
    ['labels', opening?.labels && labelsTold(opening.labels)],
    ['trigger', opening && trigger(opening.trigger, manifest?.shutdown)],
    ['time', opening && timing(opening, manifest)],
    ['sealed', opening && (opening.recipients.length === 0 ? 'no' : `to ${recipientsTold(opening.recipients)}`)],
    ['agent', opening && `lastgasp ${opening.agent}`],
  ]
  return facts.flatMap(([title, said]) => (said === undefined ? [] : titled('dim', title, said, screen)))
}

/** Of which image it was made, and what its cloud calls it. */
function ofFleet({ image, instanceType, zone, group }: Opening['host']): string | undefined {
  const grouped = group === undefined ? undefined : `group ${group}`
  return [image, instanceType, zone, grouped].filter(Boolean).join(', ') || undefined
}

/** More than somebody reads, before the rest is a number. */
const LABELS_TOLD = 32

function labelsTold(labels: Readonly<Record<string, string>>): string {
  return few(
    Object.entries(labels).map(([key, value]) => `${key}=${value}`),
    LABELS_TOLD,
  ).join(', ')
}

const ALIKE = ': the fingerprint of where it crashed or hung, in the row of each host that did so there'

/** Its recorder keeps what it sees in memory alone. */
const HISTORY_LOST = 'none: what was recorded before the end was in the memory of the boot that ended'

/** Whose boot it is, where that is not the one in which it was made. */
function aboutTold({ trigger: why, about }: Pick<Opening, 'trigger' | 'about'>): string | undefined {
  if (why !== 'previous-boot') return undefined
  const which = about?.bootId === undefined ? 'the boot before this one' : `the boot before this one, ${about.bootId}`
  return about?.bundle === undefined ? which : `${which}; for its end, bundle ${about.bundle} was begun`
}

function trigger(why: string, shutdown: Shutdown | undefined): string {
  if (shutdown === undefined) return why
  if (shutdown.cancelled) return `${why}: announced, and cancelled: the host did not go down`
  return `${why}: ${shutdown.kind}${shutdown.by === undefined ? '' : `, ${shutdown.by}`}`
}

function timing(
  opening: { started: string; deadline: string },
  manifest: { durationMs: number; clockSkewMs?: number | undefined } | undefined,
): string {
  const start = Date.parse(opening.started)
  const allowed = formatDuration(Date.parse(opening.deadline) - start)
  if (manifest === undefined) return `began ${instant(start)}, with ${allowed} to go, by the host's clock`
  const skew = manifest.clockSkewMs ?? 0
  const clock =
    Math.abs(skew) < 1000
      ? ''
      : `; the host's clock was ${formatDuration(Math.abs(skew))} ${skew > 0 ? 'behind' : 'ahead'}`
  return `${instant(start)}, took ${formatDuration(manifest.durationMs)} of ${allowed}${clock}`
}

function receiptTable(receipts: readonly Receipt[], screen: Screen): Line[] {
  // Names last: those of journal files are longer than a terminal is wide.
  const columns: readonly Column[] = [
    { title: 'STATUS', style: statusStyle },
    { title: 'READ', align: 'right' },
    { title: 'STORED', align: 'right' },
    { title: 'TIME', align: 'right' },
    { title: 'ARTIFACT' },
  ]
  const figuresOf = ({ bytesIn, bytesStored, ms }: Figures) => [
    formatBytes(bytesIn),
    formatBytes(bytesStored),
    formatDuration(ms),
  ]
  const { others, libraries, told } = librariesApart(receipts)
  const rows = others.map((receipt) => {
    const { status, artifact, item, objects } = receipt
    const figures = objects.length === 0 ? ['', '', ''] : figuresOf(receipt)
    const unchecked = status === 'complete' && item.unchecked !== undefined ? uncheckedTold(item.unchecked) : undefined
    const reason = status === 'absent' ? receipt.reason : undefined
    const notes = [homeOf(item), ...detailsTold(receipt), item.note, unchecked, reason]
    const said = notes.flatMap((note) => (note === undefined ? [] : [inCell(note)])).join(', ')
    return [status, ...figures, said === '' ? artifact : `${artifact}: ${said}`]
  })
  const sum = (of: keyof Figures) => libraries.reduce((all, one) => all + one[of], 0)
  const all = { bytesIn: sum('bytesIn'), bytesStored: sum('bytesStored'), ms: sum('ms') }
  return table(columns, told === '' ? rows : [...rows, ['complete', ...figuresOf(all), told]], screen)
}

type Figures = Pick<Receipt, 'bytesIn' | 'bytesStored' | 'ms'>

/** A note in a cell; -o json has all of it. */
const inCell = (note: string) => (note.length > NOTE ? `${note.slice(0, NOTE)}…` : note)

/** The style of a receipt's status, and of what `fetch` and `verify` say of an artifact. */
export function statusStyle(status: string): Style | undefined {
  const styles: Readonly<Record<string, Style>> = {
    complete: 'green',
    arrived: 'green',
    ok: 'green',
    truncated: 'yellow',
    skipped: 'yellow',
    sealed: 'yellow',
    refused: 'yellow',
    unchecked: 'yellow',
    failed: 'red',
    damaged: 'red',
    missing: 'red',
    'not yet': 'yellow',
    'not salvaged': 'yellow',
    unfinished: 'yellow',
    absent: 'dim',
  }
  return styles[status]
}

/** What is missing and why; no line where nothing is. */
export function lackLines(lacks: readonly Lack[], screen: Screen): Line[] {
  return section('Missing', lacks.map(lackLine), screen, 'red')
}

const lackLine = ({ artifact, what, why }: Lack) => `${artifact}: ${what}: ${why}`

function section(title: string, lines: readonly string[], screen: Screen, style?: Style): Line[] {
  if (lines.length === 0) return []
  const width = screen.width === undefined ? Infinity : screen.width - 4
  const shown = lines.flatMap((line) => wrap(text(line), width).map((line, i) => `${i === 0 ? '  ' : '    '}${line}`))
  return ['', [styled(style ?? 'bold', title)], ...shown]
}
