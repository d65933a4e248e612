import { deepEqual, equal, ok } from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bundlePrefix, type IndexEntry, type Mark, parseIndexKey } from '../../agent/bundle/keys.ts'
import { type Finding, manifestSchema, type Row, rowSchema } from '../../agent/bundle/schema.ts'
import type { Bucket } from './bucket.ts'
import type { Operator } from './operator.ts'

/** What `show -o json` says that others say too. */
interface Shown {
  readonly status: string
  readonly why: string | null
  readonly incomplete: boolean
  readonly findings: readonly Finding[]
  readonly manifest: unknown
}

/** What `list -o json` says of a bundle. */
interface Listed {
  readonly identity: string
  readonly bundle: string
  readonly status: string
  readonly why: string | null
}

/**
 * Whatever happened to the hosts of a bucket, all ways to ask say the same of it: key, row and manifest as they are stored, `list`
 * and `show`. What `show` prints of each bundle is kept in `scratch`. Gives how many bundles there are.
 */
export async function checkAgreement(
  bucket: Bucket,
  operator: Operator,
  scratch: string,
  signal: AbortSignal,
): Promise<number> {
  await bucket.openForReading(signal)
  const keys = await bucket.keys(signal)
  const marks = keys.map(parseIndexKey).filter((entry) => entry !== undefined)
  const bundles = new Map(marks.map((entry) => [entry.bundle, entry]))
  for (const entry of marks) if (entry.mark.kind === 'row') bundles.set(entry.bundle, entry)

  const asked = await operator.lastgasp(['list', '--all', '-o', 'json'], bucket.url, signal)
  equal(asked.code, bundles.size > 0 ? 0 : 3, `list: ${asked.stdout}${asked.stderr}`)
  const listed = JSON.parse(asked.stdout || '[]') as Listed[]
  deepEqual(listed.map(({ bundle }) => bundle).sort(), [...bundles.keys()].sort(), 'list has every bundle once')
  for (const entry of bundles.values()) {
    const text = await operator.lastgasp(['show', entry.bundle], bucket.url, signal)
    await writeFile(join(scratch, `show-${entry.bundle}.txt`), `${text.stdout}${text.stderr}`)
    const { stdout, stderr, code } = await operator.lastgasp(['show', entry.bundle, '-o', 'json'], bucket.url, signal)
    ok(code === 0 || code === 4, `show ${entry.bundle}: ${stdout}${stderr}`)
    const shown = JSON.parse(stdout) as Shown
    equal(code, shown.incomplete ? 4 : 0, `show ${entry.bundle} ends with 4 when it says that something is missing`)
    equal(text.code, code, `show ${entry.bundle} ends alike as text and as JSON`)
    ok(text.stdout.startsWith(shown.status), `show ${entry.bundle} begins with its status: ${text.stdout}`)
    equal(/nothing had crashed/i.test(text.stdout), shown.why === 'healthy', text.stdout)
    const line = listed.find(({ bundle }) => bundle === entry.bundle)
    deepEqual(
      [line?.identity, line?.status, line?.why],
      [entry.identity, shown.status, shown.why],
      `list says of ${entry.bundle} what show says`,
    )
    if (entry.mark.kind === 'row') await checkClosed(bucket, keys, entry, entry.mark, shown, signal)
    else ok(['open', 'interrupted'].includes(shown.status), `${entry.bundle} has no row, and is ${shown.status}`)
  }
  return bundles.size
}

/** A bundle that was closed: its row says what the manifest says, and `show` what both say. */
async function checkClosed(
  bucket: Bucket,
  keys: readonly string[],
  entry: IndexEntry,
  { status, why }: Extract<Mark, { kind: 'row' }>,
  shown: Shown,
  signal: AbortSignal,
): Promise<void> {
  const rows = keys.filter((key) => key.endsWith('.json') && parseIndexKey(key)?.bundle === entry.bundle)
  equal(rows.length, 1, `one row is there of ${entry.bundle}: ${rows.join(' ')}`)
  const row: Row = rowSchema.parse(await bucket.json(rows[0] ?? '', signal))
  const manifest = manifestSchema.parse(await bucket.json(`${bundlePrefix(entry)}manifest.json`, signal))
  deepEqual(manifestSchema.parse(shown.manifest), manifest, 'show has the manifest as it is stored')
  for (const said of [row, manifest, shown])
    deepEqual([said.status, said.why], [status, why], 'row, manifest and show say what the key of the row says')
  deepEqual(shown.findings, manifest.findings, 'show has the findings of the manifest')
  deepEqual(
    [row.identity, row.bundle, row.host, row.trigger, row.shutdown_kind],
    [entry.identity, entry.bundle, manifest.host.name, manifest.trigger, manifest.shutdown?.kind ?? null],
    'the row is about the bundle',
  )
  const count = (status: string) => manifest.receipts.filter((receipt) => receipt.status === status).length
  deepEqual(
    [row.complete, row.truncated, row.skipped, row.failed],
    ['complete', 'truncated', 'skipped', 'failed'].map(count),
    'the row counts the receipts',
  )
  checkDeaths(row, manifest.findings)
}

/** The row counts who died in this boot, and names the first of each kind; no kind comes before what is told first. */
function checkDeaths(row: Row, findings: readonly Finding[]): void {
  const [first] = findings
  ok(first)
  deepEqual([row.why, row.why_unit, row.why_exe], [first.kind, ...named(first)], 'the row says what is told first')
  const died = (kind: string) => findings.filter((each) => each.kind === kind && each.boot !== 'earlier')
  const [crashes, ooms] = [died('crash'), died('oom')]
  const total = (deaths: readonly Finding[]) => deaths.reduce((sum, { count = 1 }) => sum + count, 0)
  deepEqual([row.crashes, row.oom_kills], [total(crashes), total(ooms)], 'the row counts who died')
  deepEqual([row.crash_unit, row.crash_exe], named(crashes[0]), 'the row names who crashed')
  deepEqual([row.oom_unit, row.oom_exe], named(ooms[0]), 'the row names who was killed for want of memory')
  if (row.why === 'healthy') deepEqual([crashes, ooms], [[], []], 'a host is not called healthy on which somebody died')
}

function named(death: Finding | undefined): readonly (string | null)[] {
  return [death?.subject.unit ?? null, death?.subject.exe ?? death?.subject.comm ?? null]
}
