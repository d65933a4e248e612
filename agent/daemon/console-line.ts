import { bundlePrefix } from '../bundle/keys.ts'
import type { Ended } from '../capture/open-bundle.ts'
import { seconds } from '../plan/plan.ts'
import { sentence } from '../words/cannot.ts'
import { countOf } from '../words/count-of.ts'
import { printable } from '../words/printable.ts'
import { formatBytes } from '../words/units.ts'

/** The one line that a person reads on the console of a host that has gone: what was stored, where, and what is missing. */
export function successLine({ name, manifest }: Ended, url: string): string {
  const { receipts, findings, status, durationMs, trigger } = manifest
  const stored = receipts.filter(({ objects }) => objects.length > 0)
  const bytes = stored.reduce((sum, { bytesStored }) => sum + bytesStored, 0)
  const took = seconds(durationMs)
  const missing = receipts.filter(
    ({ status: is, because }) => is !== 'complete' && is !== 'absent' && because !== 'limit',
  )
  const [first] = missing
  const lack = first === undefined ? '' : `; ${missing.length} not whole (${first.artifact}: ${first.reason})`
  const where = `${url}/${bundlePrefix(name)}`
  const [found] = findings
  const why = found === undefined ? '' : ` ${found.sentence}`
  return oneLine(
    `${status} bundle of ${trigger === 'previous-boot' ? 'the boot before: ' : ''}${countOf(stored.length, 'artifact')}, ${formatBytes(bytes)} in ${took}, at ${where}${lack}.${why}`,
  )
}

/** The line for a capture that has put no closing manifest into the store. */
export function failureLine(error: unknown, url: string | undefined): string {
  return oneLine(`NO COMPLETE BUNDLE${url === undefined ? '' : ` at ${url}`}: ${sentence(error)}`)
}

/** A console is 80 columns of who knows what: one line, and an end. */
const LINE_LIMIT = 400

function oneLine(text: string): string {
  const line = `lastgasp: ${printable(text.replace(/\s+/g, ' '))}`
  return line.length > LINE_LIMIT ? `${line.slice(0, LINE_LIMIT)}…` : line
}
