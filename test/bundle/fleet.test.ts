import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import t, { type Test } from 'tap'
import { indexRow } from '../../agent/bundle/closing.ts'
import { openKey, rowKey } from '../../agent/bundle/keys.ts'
import { type Finding, type Manifest, manifestSchema, type Row, rowSchema } from '../../agent/bundle/schema.ts'

const text = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
/** The questions that the README puts, as they stand there. */
const QUESTIONS = [...text('../../README.md').matchAll(/```sql\n(.*?)```/gs)].map(([, sql = '']) => sql)
const MANIFEST = manifestSchema.parse(JSON.parse(text('golden/manifest.json')))
const PRINT = '1-ed28f3228041523c'

const NOTHING: Finding = {
  ...{ kind: 'healthy', certainty: 'certain', boot: 'this', subject: {}, sentence: 'Nothing.', evidence: [] },
}
const crash = (pid: number, more: Partial<Finding> = {}): Finding => ({
  ...NOTHING,
  ...{ kind: 'crash', subject: { exe: '/opt/shop', unit: 'shop.service', pid }, fingerprint: PRINT, signal: 11 },
  ...more,
})

let number = 0
/** A bundle's row, as its host wrote it, and what a salvager wrote beside it. */
function died(day: string, host: string, finding: Finding, more: Partial<Manifest> = {}, salvaged = false) {
  const bundle = `${day.replaceAll('-', '')}T030000Z-${String(number++).padStart(16, '0')}`
  const manifest: Manifest = {
    ...MANIFEST,
    ...{ identity: host, bundle, started: `${day}T03:00:00.000Z`, findings: [finding], why: finding.kind },
    host: { ...MANIFEST.host, name: host },
    ...more,
  }
  const name = { identity: host, bundle }
  const row = rowSchema.parse(indexRow(manifest, name))
  const isBefore = manifest.trigger === 'previous-boot'
  const own: [string, string | Row] = [rowKey(name, manifest.status, manifest.why, isBefore), row]
  const other: Row = { ...row, status: 'salvaged', why: 'unknown', why_exe: null, why_unit: null, fingerprint: null }
  const files: [string, string | Row][] = [[openKey(name, 90), ''], own]
  return salvaged ? [...files, [rowKey(name, 'salvaged', 'unknown'), other] as const] : files
}

const SHOP_41 = { labels: { team: 'shop' }, host: { ...MANIFEST.host, image: 'shop_41' } }
const OOM: Finding = { ...crash(9), kind: 'oom', rule: 'oom-host', subject: { unit: 'java.service', comm: 'java' } }
const { fingerprint: _, ...UNTRACED } = OOM
/** What died in a fleet within some days. */
const FLEET = [
  died('2026-10-31', 'web-1', crash(1), { status: 'complete' }),
  died('2026-11-02', 'web-1', crash(2), { status: 'complete' }),
  died('2026-11-02', 'web-2', crash(3), { status: 'partial' }, true),
  died('2026-11-03', 'web-2', crash(4), { status: 'complete', trigger: 'previous-boot' }),
  died('2026-11-03', 'web-3', crash(5, { fingerprint: '1-0000000000000001', subject: { comm: 'cron' } })),
  died('2026-11-04', 'web-4', UNTRACED, { status: 'partial', heldMs: 2500, ...SHOP_41 }),
  died('2026-11-04', 'web-5', NOTHING, { status: 'complete', heldMs: 100, ...SHOP_41 }),
  died('2026-11-05', 'web-6', NOTHING, { status: 'complete', heldMs: 300, ...SHOP_41 }),
].flat()

/** Asks DuckDB of this fleet's rows, in the place of the bucket that the README names. */
async function asked(test: Test, sql: string) {
  const directory = join(test.testdir({}), 'bucket')
  for (const [key, row] of FLEET) {
    const path = join(directory, key)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, row === '' ? '' : JSON.stringify(row))
  }
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const answer = await connection.runAndReadAll(sql.replaceAll('s3://gasps/prod', directory))
  connection.closeSync()
  instance.closeSync()
  return answer.getRowObjectsJson()
}

t.test('what hosts died of', async (t) => {
  t.equal(QUESTIONS.length, 3, 'there is a test for each')
  const [first, ...rest] = await asked(t, QUESTIONS[0] ?? '')
  t.strictSame(first, { why: 'crash', who: '/opt/shop', 'count_star()': '3' })
  const others = rest.map(({ why, who }) => `${why} ${who}`).toSorted()
  t.strictSame(others, ['crash cron', 'oom java'], 'a salvager’s row counts for nothing beside the host’s')
})

t.test('which image has died of what', async (t) => {
  const answer = await asked(t, QUESTIONS[1] ?? '')
  const [healthy, oom] = answer.filter(({ image }) => image === 'shop_41')
  const requests = FLEET.flatMap(([, row]) => (typeof row === 'object' && row.image === 'shop_41' ? row.requests : []))
  const each = requests[0] ?? 0
  const of = { image: 'shop_41', team: 'shop' }
  t.strictSame(healthy, { ...of, why: 'healthy', 'count_star()': '2', held_ms: 300, requests: String(2 * each) })
  t.strictSame(oom, { ...of, why: 'oom', 'count_star()': '1', held_ms: 2500, requests: String(each) })
})

t.test('which faults there are', async (t) => {
  t.strictSame(await asked(t, QUESTIONS[2] ?? ''), [
    { fingerprint: PRINT, why: 'crash', who: '/opt/shop', hosts: '2', since: '2026-11-02 03:00:00' },
    { fingerprint: '1-0000000000000001', why: 'crash', who: 'cron', hosts: '1', since: '2026-11-03 03:00:00' },
  ])
})

t.test('all columns, without being told which there are', async (t) => {
  const sql = "SELECT * FROM read_json('s3://gasps/prod/v1/index/dt=*/*/*.json', hive_partitioning = true)"
  const all = await asked(t, sql)
  t.equal(all.length, FLEET.filter(([, row]) => row !== '').length)
  const columns = Object.keys(rowSchema.shape)
  t.strictSame(Object.keys(all[0] ?? {}).toSorted(), [...columns, 'dt'].toSorted())
  const [types] = await asked(t, `SELECT typeof(started) AS started FROM (${sql}) LIMIT 1`)
  t.strictSame(types, { started: 'TIMESTAMP' })
})

t.test('BUNDLE.md says what each column is, and of no other', async (t) => {
  const [, section = ''] = /\n## The row\n(.*?)\n## /s.exec(text('../../agent/bundle/BUNDLE.md')) ?? []
  const named = section.split('\n').flatMap((line) => {
    const [, columns = ''] = /^\| (`.*?`) \|/.exec(line) ?? []
    return [...columns.matchAll(/`(\w+)`/g)].map(([, name]) => name)
  })
  t.strictSame(named.toSorted(), Object.keys(rowSchema.shape).toSorted())
  // What a fleet asks of them all, by name.
  const asked = [
    ...['why', 'why_unit', 'why_exe', 'fingerprint', 'why_build_id', 'oom_kills', 'oom_unit', 'stuck', 'image'],
    ...[
      'why_pod',
      'why_namespace',
      'zone',
      'instance_type',
      'group',
      'labels',
      'requested_at',
      'held_ms',
      'deadline_ms',
    ],
    ...['bytes_by_source', 'requests_by_source', 'worst_because', 'version'],
  ]
  for (const column of asked) t.ok(named.includes(column), column)
})
