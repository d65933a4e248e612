import { deepEqual, equal, ok } from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bundlePrefix, type IndexEntry, parseIndexKey } from '../../agent/bundle/keys.ts'
import { manifestSchema, type Row, rowSchema } from '../../agent/bundle/schema.ts'
import type { Bucket } from './bucket.ts'
import type { Operator } from './operator.ts'

/** What `show -o json` says that others say too. */
interface Shown {
  readonly status: string
  readonly incomplete: boolean
  readonly crashes: readonly unknown[]
  readonly manifest: unknown
}

/** What `list -o json` says of a bundle. */
interface Listed {
  readonly identity: string
  readonly bundle: string
  readonly status: string
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
  for (const entry of marks) if (entry.mark !== 'open') bundles.set(entry.bundle, entry)

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
    const line = listed.find(({ bundle }) => bundle === entry.bundle)
    equal(line?.status, shown.status, `list and show of ${entry.bundle}`)
    equal(line?.identity, entry.identity)
    if (entry.mark !== 'open') await checkClosed(bucket, keys, entry, shown, signal)
    else ok(['open', 'interrupted'].includes(shown.status), `${entry.bundle} has no row, and is ${shown.status}`)
  }
  return bundles.size
}

/** A bundle that was closed: its row says what the manifest says, and `show` what both say. */
async function checkClosed(
  bucket: Bucket,
  keys: readonly string[],
  entry: IndexEntry,
  shown: Shown,
  signal: AbortSignal,
): Promise<void> {
  const rows = keys.filter((key) => key.endsWith('.json') && parseIndexKey(key)?.bundle === entry.bundle)
  equal(rows.length, 1, `one row is there of ${entry.bundle}: ${rows.join(' ')}`)
  const row: Row = rowSchema.parse(await bucket.json(rows[0] ?? '', signal))
  const manifest = manifestSchema.parse(await bucket.json(`${bundlePrefix(entry)}manifest.json`, signal))
  deepEqual(manifestSchema.parse(shown.manifest), manifest, 'show has the manifest as it is stored')
  deepEqual(
    [row.status, manifest.status, shown.status],
    [entry.mark, entry.mark, entry.mark],
    'row, manifest and show have the status of the key',
  )
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
  equal(row.crashes, shown.crashes.length, 'row and show count crashes alike')
}
