import t from 'tap'
import { type BundleName, bundlePrefix, newBundle, openKey, parseIndexKey, rowKey } from '../../agent/bundle/keys.ts'
import { viewBundle } from '../../agent/operator/bundle-view.ts'
import { catalogue } from '../../agent/operator/catalogue.ts'
import { findBundles } from '../../agent/operator/find-bundles.ts'
import { type Line, rendered } from '../../agent/operator/line.ts'
import { listLines } from '../../agent/operator/list-lines.ts'
import { archiveOf, type Put } from './archive.ts'

const plain = (lines: readonly Line[]) => lines.map((line) => rendered(line, false))

const { signal } = new AbortController()
const HOUR = 3_600_000
const DAY = 24 * HOUR
const now = Date.UTC(2026, 10, 30, 12)
const ALL = { since: 0, until: Date.UTC(9999, 11, 31, 23, 59, 59) }

/** The marks of a bundle, as the store got them at `stored`, and its opening where it has one. */
function marks(name: BundleName, stored: number, has: { opening?: boolean; rows?: ('complete' | 'partial')[] } = {}) {
  const { opening = true, rows = [] } = has
  const puts: Put[] = [openKey(name, 90), ...rows.map((status) => rowKey(name, status, 'healthy'))].map((key) => ({
    key,
    modified: stored,
  }))
  return opening ? [...puts, { key: `${bundlePrefix(name)}opening.json`, modified: stored }] : puts
}

const honest = newBundle('web-7', now - HOUR)
const found = async (puts: readonly Put[], reference = 'latest') =>
  (await findBundles(archiveOf(puts), reference, now, signal))[0]?.bundle

t.test('an id of the year 9999 does not own latest, of the fleet or of its host', async (t) => {
  const forged = { identity: 'evil', bundle: '99991231T235959Z-0123456789abcdef' }
  const puts = [...marks(honest, now - HOUR, { rows: ['complete'] }), ...marks(forged, now)]
  t.equal(await found(puts), honest.bundle)
  t.equal(await found(puts, 'web-7/latest'), honest.bundle)
  t.equal(await found(puts, 'evil/latest'), undefined)
  t.equal(await found(puts, forged.bundle), forged.bundle, 'by its name it is found')
  const [week, all] = [{ since: now - 7 * DAY, until: now + DAY }, ALL] as const
  const shown = await catalogue(archiveOf(puts), week, now, signal)
  t.strictSame([shown.entries.length, shown.daysAhead], [1, ['9999-12-31']], 'it is told')
  const { entries } = await catalogue(archiveOf(puts), all, now, signal)
  t.strictSame(
    entries.map(({ identity, doubt }) => [identity, doubt]),
    [
      ['evil', 'future'],
      ['web-7', undefined],
    ],
  )
  t.match(plain(listLines(entries, { width: undefined })).join('\n'), /evil: its id is of a time that had not/)
})

t.test('a clock that is some hours ahead owns latest no longer than it is the newest', async (t) => {
  const ahead = newBundle('ahead', now + 10 * HOUR)
  const before = marks(ahead, now - 2 * HOUR)
  t.equal(await found(before), ahead.bundle, 'it is a bundle as good as another')
  t.equal(await found([...before, ...marks(honest, now - HOUR)]), honest.bundle, 'by the dates of the store')
  const lastNight = newBundle('web-7', now - 30 * HOUR)
  const tomorrow = newBundle('ahead', now + 20 * HOUR)
  const puts = [...marks(lastNight, now - 30 * HOUR), ...marks(tomorrow, now - 2 * HOUR)]
  t.equal(await found(puts), tomorrow.bundle, 'also across days')
  t.equal(await found([...puts, ...marks(honest, now - HOUR)]), honest.bundle)
  const own = [...marks(newBundle('web-7', now + 10 * HOUR), now - 2 * HOUR), ...marks(honest, now - HOUR)]
  t.equal(await found(own, 'web-7/latest'), honest.bundle, 'and for one host')
})

t.test('a store that was copied has later dates: ids count', async (t) => {
  const older = newBundle('web-1', now - 3 * HOUR)
  t.equal(await found([...marks(honest, now), ...marks(older, now)]), honest.bundle)
  t.equal(await found([...marks(honest, 0), ...marks(older, 0)]), honest.bundle, 'or dates that are not known')
})

t.test('marks without a bundle below the prefix of its host are not followed', async (t) => {
  const nothing = newBundle('web-8', now - 60_000)
  const puts = [...marks(nothing, now - 60_000, { opening: false, rows: ['complete'] }), ...marks(honest, now - HOUR)]
  t.equal(await found(puts), honest.bundle)
  t.equal(await found(puts, 'web-8/latest'), undefined)
  const many = Array.from({ length: 300 }, (_, i) => marks(newBundle(`h${i}`, now), now, { opening: false })).flat()
  const archive = archiveOf([...many, ...marks(honest, now - HOUR)])
  await t.rejects(findBundles(archive, 'latest', now, signal), { message: /the 100 newest that are marked have not/ })
  t.ok(archive.requests.length < 110, 'and nobody makes us ask for ever')
  t.equal(await found([...many, ...marks(honest, now - HOUR)], 'web-7/latest'), honest.bundle)
})

t.test('a forged row takes nothing away from a complete bundle, and is told', async (t) => {
  const puts = marks(honest, now - HOUR, { rows: ['complete', 'partial'] })
  const { entries } = await catalogue(archiveOf(puts), ALL, now, signal)
  t.match(entries, [{ state: 'complete', doubt: 'rows differ' }])
  t.match(plain(listLines(entries, { width: undefined }))[1], /web-7: complete and partial by its rows/)
})

t.test('the state of a bundle is what its own prefix says, whatever the index does', async (t) => {
  const opening = {
    ...{ version: 1, ...honest, trigger: 'shutdown', started: '2026-11-30T11:00:00.000Z', agent: '0.1.0' },
    ...{ deadline: '2026-11-30T11:01:30.000Z', partBytes: 8, recipients: [] },
    host: { name: 'web-7', kernel: '6.12.0', arch: 'x64' },
  }
  const manifest = {
    ...{ ...opening, ended: '2026-11-30T11:00:04.000Z', durationMs: 4000, status: 'complete', why: 'healthy' },
    ...{ problems: [], findings: [], receipts: [] },
  }
  const put = (name: string, json: object, modified = now - HOUR): Put => {
    return { key: bundlePrefix(honest) + name, body: JSON.stringify(json), modified }
  }
  const forged = marks(honest, now, { opening: false, rows: ['partial'] })
  const closed = archiveOf([put('opening.json', opening), put('manifest.json', manifest), ...forged])
  t.equal((await viewBundle(closed, honest, now, signal)).state, 'complete')
  const ahead = newBundle('web-7', now + 20 * HOUR)
  const open = { ...opening, bundle: ahead.bundle }
  const body = JSON.stringify(open)
  const interrupted = archiveOf([{ key: `${bundlePrefix(ahead)}opening.json`, body, modified: now - HOUR }])
  t.equal((await viewBundle(interrupted, ahead, now, signal)).state, 'interrupted', 'by the date of the store')
})

t.test('keys that no capture writes are no entries', (t) => {
  const good = openKey(honest, 90)
  t.ok(parseIndexKey(good))
  const { identity, bundle } = honest
  for (const key of [
    good.replace('dt=2026-11-30', 'dt=2026-11-29'),
    good.replace('.90.', '.'),
    good.replace('.90.', '.99999.'),
    rowKey(honest, 'complete', 'crash').replace('crash', 'bored'),
    rowKey(honest, 'complete', 'crash').replace('complete', 'open'),
    good.replace(`/${identity}/`, '/\x1b]0;x/'),
    good.replace(`/${identity}/`, '/../'),
    `v1/index/dt=2026-02-31/web-7/20260231T000000Z-${bundle.slice(-16)}.90.open`,
    `v1/index/dt=9999-99-99/web-7/99999999T999999Z-${bundle.slice(-16)}.90.open`,
    `v1/index/dt=0050-01-01/web-7/00500101T000000Z-${bundle.slice(-16)}.90.open`,
  ])
    t.equal(parseIndexKey(key), undefined, key)
  t.end()
})

t.test('marks of every day of ten years are one listing', async (t) => {
  const puts = Array.from({ length: 3650 }, (_, i) => marks(newBundle('web-7', now - i * DAY), now)).flat()
  const archive = archiveOf(puts)
  t.equal((await catalogue(archive, ALL, now, signal)).entries.length, 3650)
  t.ok(archive.requests.length < 10, `${archive.requests.length} requests`)
})

t.test('130,000 bundles are a list', async (t) => {
  const puts = Array.from({ length: 130_000 }, (_, i) => {
    const name = newBundle(`web-${i % 1000}`, now - i * 100)
    return [openKey(name, 90), rowKey(name, 'complete', 'crash')].map((key) => ({ key, modified: now }))
  }).flat()
  const { entries } = await catalogue(archiveOf(puts), ALL, now, signal)
  t.equal(entries.length, 130_000)
  t.equal(listLines(entries, { width: 80 }).length, 130_001)
})
