import { bundlePrefix } from '../bundle/keys.ts'
import type { Finding, Receipt } from '../bundle/schema.ts'
import type { Ended } from '../capture/open-bundle.ts'
import { seconds } from '../plan/plan.ts'
import type { Kept } from '../spool/spooled.ts'
import { sentence } from '../words/cannot.ts'
import { countOf } from '../words/count-of.ts'
import { printable } from '../words/printable.ts'
import { formatBytes } from '../words/units.ts'

/** The one line that a person reads on the console of a host that has gone: what it died of, what was stored, where, and what is missing. */
export function successLine({ name, manifest }: Ended, url: string): string {
  const { receipts, findings, status, durationMs, trigger } = manifest
  const stored = receipts.filter(({ objects }) => objects.length > 0)
  const bytes = stored.reduce((sum, { bytesStored }) => sum + bytesStored, 0)
  const took = seconds(durationMs)
  const missing = receipts.filter(isLacking)
  const [first] = missing
  const lack = first === undefined ? '' : `; ${missing.length} not whole (${first.artifact}: ${first.reason})`
  const where = `${url}/${bundlePrefix(name)}`
  const before = trigger === 'previous-boot' ? 'the boot before: ' : ''
  return oneLine(
    `${whyTold(findings)}${status} bundle of ${before}${countOf(stored.length, 'artifact')}, ${formatBytes(bytes)} in ${took}, at ${where}${lack}.${unknownTold(findings)}`,
  )
}

/** What the host died of, first of all: its kind, which the row's key has too, and as much of the sentence as leaves room for the rest. */
function whyTold([found]: readonly Finding[]): string {
  return found === undefined || found.kind === 'unknown' ? '' : `${found.kind}: ${short(found.sentence)} `
}

/** Where that is not known, there is nothing to begin with: what could not be looked at comes last. */
function unknownTold([found]: readonly Finding[]): string {
  return found?.kind === 'unknown' ? ` ${short(found.sentence)}` : ''
}

const short = (says: string) => (says.length > WHY_LIMIT ? `${says.slice(0, WHY_LIMIT)}…` : says)

/** The line for a capture that has put no closing manifest into the store. */
export function failureLine(error: unknown, url: string | undefined): string {
  return oneLine(`NO COMPLETE BUNDLE${url === undefined ? '' : ` at ${url}`}: ${sentence(error)}`)
}

/**
 * The same for a host of which nobody may ever hear otherwise, with what it knew of its end: clouds keep the console of an instance that
 * is gone for an hour.
 */
export function failureLines(error: unknown, url: string, findings: readonly Finding[], kept: Kept): string {
  return page([failureLine(error, url), ...keeping(kept), ...told(findings)])
}

/** The lines for a bundle of which some lies on the disk, for the store was out of reach. */
export function keptLines({ name, manifest }: Ended, url: string, kept: Kept): string {
  const { receipts, findings } = manifest
  const lost = receipts
    .filter(isLacking)
    .map(({ artifact, status, reason }) => oneLine(`not whole: ${artifact} (${status}): ${reason}`))
  const why = kept.because ?? 'the store is out of reach'
  const bundle = oneLine(`its bundle is ${bundlePrefix(name)}`)
  return page([failureLine(why, url), ...keeping(kept), bundle, ...told(findings), ...lost])
}

function keeping({ objects, bytes, refused }: Kept): readonly string[] {
  if (objects > 0)
    return [
      oneLine(`kept on the disk, for the next boot to send: ${countOf(objects, 'object')}, ${formatBytes(bytes)}`),
    ]
  return refused === undefined ? [] : [oneLine(`nothing is kept on the disk: ${refused.message}`)]
}

function told(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ sentence: says }) => oneLine(`found: ${says}`))
}

function isLacking({ status, because }: Receipt): boolean {
  return status !== 'complete' && status !== 'absent' && because !== 'limit'
}

/** A console is 80 columns of who knows what: one line, and an end. */
const LINE_LIMIT = 400
const WHY_LIMIT = 180
/** Bytes of all lines together: a serial line of 9600 baud carries them in two seconds. */
const PAGE_LIMIT = 2048
/** Is kept for the line that says how many there are no more of. */
const REST_LIMIT = 40

function oneLine(text: string): string {
  const line = `lastgasp: ${printable(text.replace(/\s+/g, ' '))}`
  return line.length > LINE_LIMIT ? `${line.slice(0, LINE_LIMIT)}…` : line
}

/** As many of the lines as fit. */
function page(lines: readonly string[]): string {
  let bytes = 0
  const fitting = lines.findIndex((line, i) => {
    bytes += Buffer.byteLength(line) + 1
    return bytes > PAGE_LIMIT - (i === lines.length - 1 ? 0 : REST_LIMIT)
  })
  if (fitting < 0) return lines.join('\n')
  return [...lines.slice(0, fitting), `lastgasp: and ${countOf(lines.length - fitting, 'more line')}`].join('\n')
}
