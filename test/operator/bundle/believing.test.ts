import t from 'tap'
import { type BundleName, bundlePrefix, newBundle, openKey, parseIndexKey, rowKey } from '../../../agent/bundle/keys.ts'
import { viewBundle } from '../../../agent/operator/bundle/bundle-view.ts'
import { catalogue } from '../../../agent/operator/catalogue/catalogue.ts'
import { findBundles } from '../../../agent/operator/catalogue/find-bundles.ts'
import { listLines } from '../../../agent/operator/catalogue/list-lines.ts'
import { type Line, rendered } from '../../../agent/operator/terminal/line.ts'
import { archiveOf, type Put } from '../catalogue/archive.ts'

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

t.test('an id of the year 9999 owns latest no longer than it is the newest', async (t) => {
  const forged = { identity: 'evil', bundle: '99991231T235959Z-0123456789abcdef' }
  const before = marks(forged, now - 2 * HOUR)
  const puts = [...marks(honest, now - HOUR, { rows: ['complete'] }), ...before]
  t.equal(await found(before), forged.bundle)
  t.equal(await found(puts), honest.bundle, 'by the dates of the store')
  t.equal(await found(puts, 'evil/latest'), forged.bundle)
  t.equal(await found(puts, forged.bundle), forged.bundle)
  const { entries } = await catalogue(archiveOf(puts), { since: now - 7 * DAY, until: now + DAY }, now, signal)
  t.match(
    entries.map(({ identity, doubt }) => [identity, doubt]),
    [
      ['web-7', undefined],
      ['evil', 'clock'],
    ],
  )
  const [, , line] = plain(listLines(entries, { width: undefined }))
  t.match(line, /^2026-11-30 10:00:00 UTC .* evil: its clock said 9999-12-31 23:59:59 UTC$/)
})

t.test('a host that has lost its clock is found, by the dates of the store', async (t) => {
  for (const clock of [Date.UTC(1970, 0, 1, 0, 0, 12), Date.UTC(2022, 10, 7), Date.UTC(2038, 0, 19, 3, 14, 8)]) {
    const lost = newBundle('pi-1', clock)
    const old = newBundle('pi-1', now - 30 * DAY)
    const puts = [...marks(honest, now - HOUR), ...marks(lost, now - 60_000), ...marks(old, now - 30 * DAY)]
    t.equal(await found(puts), lost.bundle)
    t.equal(await found(puts, 'pi-1/latest'), lost.bundle)
    const again = newBundle('pi-1', now)
    t.equal(await found([...puts, ...marks(again, now)], 'pi-1/latest'), again.bundle, 'until it has one again')
  }
})

t.test('a clock that is some hours off, before or behind, orders nothing', async (t) => {
  for (const hours of [-20, -3, 3, 20]) {
    const off = newBundle('off', now - 2 * HOUR + hours * HOUR)
    const before = marks(off, now - 2 * HOUR)
    const older = marks(newBundle('web-6', now - 3 * HOUR), now - 3 * HOUR)
    t.equal(await found([...before, ...older]), off.bundle, `${hours} h: it is the newest`)
    t.equal(await found([...before, ...older, ...marks(honest, now - HOUR)]), honest.bundle, `${hours} h: it is not`)
    const own = [...before, ...marks(newBundle('off', now - HOUR), now - HOUR)]
    t.not(await found(own, 'off/latest'), off.bundle, `${hours} h: nor for one host`)
    const period = { since: now - 2.5 * HOUR, until: now - 1.5 * HOUR }
    const { entries } = await catalogue(archiveOf([...before, ...older]), period, now, signal)
    t.match(entries, [{ identity: 'off', at: now - 2 * HOUR, doubt: 'clock' }], `${hours} h: by its time it is found`)
  }
})

t.test('a mark that is written anew makes no bundle newer than its opening', async (t) => {
  const old = newBundle('evil', now - 5 * DAY)
  const opening = { key: `${bundlePrefix(old)}opening.json`, modified: now - 5 * DAY }
  t.equal(await found([...marks(old, now, { opening: false }), opening, ...marks(honest, now - HOUR)]), honest.bundle)
})

t.test('marks of days that no clock has are told, and too many are not looked at', async (t) => {
  const odd = Array.from({ length: 40 }, (_, i) => marks(newBundle('evil', Date.UTC(2100, 0, 1 + i)), now)).flat()
  const archive = archiveOf([...odd, ...marks(honest, now - HOUR)])
  const { entries, daysLeft } = await catalogue(archive, { since: now - 7 * DAY, until: now + DAY }, now, signal)
  t.strictSame([entries.length, daysLeft.length, daysLeft[0]], [1, 40, '2100-02-09'])
  t.ok(archive.requests.length < 5)
  t.strictSame((await catalogue(archive, ALL, now, signal)).entries.length, 41)
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
    return [openKey(name, 90), rowKey(name, 'complete', 'crash')].map((key) => ({ key, modified: now - i * 100 }))
  }).flat()
  const { entries } = await catalogue(archiveOf(puts), ALL, now, signal)
  t.equal(entries.length, 130_000)
  t.equal(listLines(entries, { width: 80 }).length, 130_001)
})
