import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import {
  type BundleName,
  type BundleStatus,
  bundleTime,
  newBundle,
  openKey,
  rowKey,
  type Why,
} from '../../agent/bundle/keys.ts'
import { asProcess, lastgasp } from './lastgasp.ts'

const HOUR = 3_600_000
const now = Date.now()
/** s: as long as these captures may run */
const DEADLINE = 600

/** A directory store with an index and nothing else: listing reads no object. */
async function indexOf(
  test: Test,
  bundles: readonly { name: BundleName; status?: BundleStatus; why?: Why; before?: boolean }[],
): Promise<string> {
  const root = test.testdir()
  for (const { name, status, why = 'healthy', before } of bundles) {
    for (const key of [openKey(name, DEADLINE), ...(status === undefined ? [] : [rowKey(name, status, why, before)])]) {
      await mkdir(dirname(join(root, key)), { recursive: true })
      await writeFile(join(root, key), '')
      // The store's date, which says when it was begun.
      await utimes(join(root, key), new Date(), new Date(bundleTime(name.bundle)))
    }
  }
  return pathToFileURL(root).href
}

const ago = (identity: string, hours: number) => newBundle(identity, now - hours * HOUR)

t.test('whose boot it was that a bundle tells of', async (t) => {
  const [panicked, crashed] = [ago('web-1', 1), ago('web-2', 2)]
  const store = await indexOf(t, [
    { name: panicked, status: 'complete', why: 'panic', before: true },
    { name: crashed, status: 'complete', why: 'crash' },
  ])
  const { stdout } = await lastgasp(['list', '--store', store])
  t.match(stdout, /complete +panic before +\S+ +web-1\n/)
  t.match(stdout, /complete +crash +\S+ +web-2\n/)
  const json = JSON.parse((await lastgasp(['list', '-o', 'json', '--store', store])).stdout)
  t.match(json, [
    { why: 'panic', before: true },
    { why: 'crash', before: false },
  ])
})

t.test('bundles newest first, their state told by keys alone', async (t) => {
  const names = [ago('web-1', 1), ago('web-2', 2), ago('db-1', 3), ago('db-2', 0.1), ago('old-1', 24 * 8)] as const
  const [complete, partial, interrupted, open, old] = names
  const store = await indexOf(t, [
    { name: complete, status: 'complete' },
    { name: partial, status: 'partial' },
    { name: interrupted },
    { name: open },
    { name: old, status: 'complete' },
  ])
  const list = async (...args: string[]) => {
    const { stdout, code } = await lastgasp(['list', '-o', 'json', '--store', store, ...args])
    return {
      code,
      hosts: JSON.parse(stdout).map((entry: BundleName & { status: string }) => `${entry.identity} ${entry.status}`),
    }
  }
  const recent = ['db-2 open', 'web-1 complete', 'web-2 partial', 'db-1 interrupted']
  t.strictSame(await list(), { code: 0, hosts: recent }, 'of the last 7 days')
  t.strictSame((await list('--all')).hosts, [...recent, 'old-1 complete'])
  t.strictSame((await list('--since', '9d')).hosts, [...recent, 'old-1 complete'])
  t.strictSame((await list('--since', '150min')).hosts, recent.slice(0, 3))
  t.strictSame((await list('--since', '9d', '--until', '150min')).hosts, ['db-1 interrupted', 'old-1 complete'])
  t.strictSame((await list('--host', 'web-*')).hosts, ['web-1 complete', 'web-2 partial'])
  t.strictSame((await list('--status', 'partial', '--status', 'open')).hosts, ['db-2 open', 'web-2 partial'])
  t.strictSame(await list('--host', 'mail-*'), { code: 3, hosts: [] })

  const text = await lastgasp(['list'], { LASTGASP_STORE: store })
  const [heading, first] = text.stdout.split('\n')
  t.match(heading, /^STARTED +STATUS +WHY +BUNDLE +HOST$/)
  t.match(first, new RegExp(`UTC {2}open +${open.bundle} {2}db-2$`), 'a script gets the whole id')
  t.notMatch(text.stdout, '\x1b', 'and no colours')
})

t.test('nothing found says where to look', async (t) => {
  const empty = await lastgasp(['list', '--store', await indexOf(t, [])])
  t.equal(empty.code, 3)
  t.match(empty.stderr, 'there is no bundle at all')
  const name = ago('web-1', 24 * 30)
  const store = await indexOf(t, [{ name, status: 'complete' }])
  const old = await lastgasp(['list', '--store', store])
  t.equal(old.code, 3)
  t.match(old.stderr, `the newest is of ${new Date(now - 24 * 30 * HOUR).toISOString().slice(0, 10)}`)
  const elsewhere = await lastgasp(['list', '--store', store, '--all', '--host', 'db-*'])
  t.match(elsewhere, { code: 3, stderr: /: 1 other bundle is there/ })
})

t.test(
  'keys that are none of ours are passed over, and of several rows the best counts, as nobody can take a complete one away',
  async (t) => {
    const name = ago('web-1', 1)
    const store = await indexOf(t, [
      { name, status: 'complete' },
      { name, status: 'partial' },
    ])
    const root = new URL(store).pathname
    const day = dirname(dirname(join(root, openKey(name, DEADLINE))))
    await writeFile(join(day, 'web-1', 'notes.txt'), '')
    await mkdir(join(root, 'v1/index/dt=somewhen'))
    const { stdout } = await lastgasp(['list', '-o', 'json', '--store', store])
    t.strictSame(
      JSON.parse(stdout).map(({ status }: { status: string }) => status),
      ['complete'],
    )
  },
)

t.test('a time that is none, no store, an unknown setting: usage', async (t) => {
  const store = await indexOf(t, [])
  t.equal((await lastgasp(['list', '--store', store, '--since', 'yesterday'])).code, 2)
  t.match(await lastgasp(['list']), { code: 2, stderr: /no store is named/ })
  t.match(await lastgasp(['list', '--store', store, '--set', 's3.regoin=x']), { code: 2, stderr: /region/ })
  t.match(await lastgasp(['list', '--store', 'ftp://x']), { code: 2, stderr: /^lastgasp: cannot use --store "ftp/ })
  const wrong = await lastgasp(['list'], { LASTGASP_STORE: 'file://relative/x' })
  t.match(wrong, {
    code: 2,
    stderr: /cannot use LASTGASP_STORE "file:\/\/relative\/x": .* three slashes: file:\/\/\/path\n/,
  })
  t.match(await asProcess(['check', '--store', 's3://']), { code: 2, stderr: /after s3:\/\/ comes a bucket name/ })
})
