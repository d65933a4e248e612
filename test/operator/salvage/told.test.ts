import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { bundlePrefix, newBundle } from '../../../agent/bundle/keys.ts'
import { type BundleView, viewBundle } from '../../../agent/operator/bundle/bundle-view.ts'
import { holdings } from '../../../agent/operator/bundle/holdings.ts'
import { holesTold, type SalvageTold } from '../../../agent/operator/bundle/salvage-told.ts'
import { catalogue } from '../../../agent/operator/catalogue/catalogue.ts'
import { expiryTold } from '../../../agent/operator/salvage/expiry-told.ts'
import { leftovers, leftoverTold, unsalvaged } from '../../../agent/operator/salvage/unsalvaged.ts'
import { verdict } from '../../../agent/operator/verdict/verdict.ts'
import { directoryArchive } from '../../../agent/store/directory/archive.ts'
import { directoryStore } from '../../../agent/store/directory/store.ts'
import { directoryUploads } from '../../../agent/store/directory/uploads.ts'
import { StoreError } from '../../../agent/store/store.ts'
import type { Uploads } from '../../../agent/store/uploads.ts'
import { core, cutBundle } from './cut-bundle.ts'

t.setTimeout(120_000)
const signal = AbortSignal.timeout(110_000)
const MIB = 1024 ** 2
const ALL = { since: 0, until: Date.now() + 1e9 }

/** A bundle of an hour ago, with one object and one unfinished upload. */
async function bundle(t: Test) {
  const root = join(t.testdir({}), 'store')
  const name = newBundle('web-7', Date.now() - 3_600_000)
  const whole = [core('live/whole.core.zst', 1)]
  await cutBundle({
    store: directoryStore(root),
    name,
    whole,
    cut: [{ piece: core('live/cut.core.zst', 5), arrived: [1, 2] }],
  })
  const archive = directoryArchive(root)
  const later = Date.now() + 3_600_000
  return {
    ...{ root, name, archive, later, uploads: directoryUploads(root) },
    view: () => viewBundle(archive, name, later, signal),
    say: (file: string, document: unknown) =>
      writeFile(
        join(root, bundlePrefix(name), file),
        typeof document === 'string' ? document : JSON.stringify(document),
      ),
  }
}

const object = (name: string, holes: unknown, bytes = 40 * MIB) => ({
  ...{ artifact: name, status: 'unfinished', sealed: false, bytesStored: 1 },
  objects: [{ name, bytes, upload: { id: 'a', parts: 1, holes } }],
})

t.test('of what a salvager says each part that is not as it should be costs nothing but itself', async (t) => {
  const { say, view, name } = await bundle(t)
  const whole = { from: MIB, to: 2 * MIB }
  const good = { version: 1, ...name, salvaged: '2026-11-30T04:00:00.000Z', agent: '0', closed: false, left: [] }
  await say('salvage.json', {
    ...good,
    receipts: [
      { artifact: 'bad' },
      object('live/other.core.zst', [{ from: -1, to: 5 }]),
      object('live/whole.core.zst', [whole, { from: 1.9e9, to: 2e9 }, { from: 9, to: 3 }]),
    ],
    left: ['bad'],
  })
  const seen = await view()
  t.equal(seen.state, 'salvaged')
  t.equal(seen.faults.length, 3)
  const [holding] = holdings(seen)
  t.same(holding?.holes, [whole], 'within the object, and none that is empty')
  t.same(
    holdings(seen).map(({ artifact }) => artifact),
    ['live/whole.core.zst'],
    'its documents are no artifacts',
  )
  const lack = verdict(seen).lacks.find(({ what }) => what === 'has holes')
  t.match(lack, { artifact: 'live/whole.core.zst', why: /^1MiB of it never arrived/ })

  await say('salvage.json.001', {
    ...good,
    receipts: [object('live/whole.core.zst', [{ from: 2 * MIB, to: 3 * MIB }])],
  })
  t.same(holdings(await view())[0]?.holes, [{ from: MIB, to: 3 * MIB }], 'all of them count')
  await say('salvage.json.001', {
    ...good,
    receipts: [
      {
        ...object('live/whole.core.zst', []),
        objects: [{ name: 'live/whole.core.zst', bytes: 1, upload: { id: 'b', parts: 1, holes: [] } }],
      },
    ],
  })
  t.same(holdings(await view())[0]?.holes, [], 'of another upload nothing is known from before')

  for (const [what, document] of [
    ['no JSON', '{'],
    ['of another bundle', { ...good, bundle: newBundle('web-7', 0).bundle, receipts: [] }],
    ['of another version', { ...good, version: 2, receipts: [] }],
    ['without receipts', good],
  ] as const) {
    await say('salvage.json', document)
    await say('salvage.json.001', document)
    const seen = await view()
    t.equal(seen.state, 'interrupted', what)
    t.equal(seen.faults.length, 2, what)
  }
})

t.test('what is in unfinished uploads is told, and why it is not known', async (t) => {
  const { archive, uploads, view, later, name } = await bundle(t)
  const denied: Uploads = {
    ...uploads,
    list: () => {
      throw new StoreError('denied', 'cannot list uploads: no right')
    },
  }
  t.same(await unsalvaged(uploads, await view(), signal), { uploads: [{ name: 'live/cut.core.zst', bytes: 16 * MIB }] })
  t.same(await unsalvaged(denied, await view(), signal), { uploads: [], unseen: 'cannot list uploads: no right' })
  const left = await unsalvaged(denied, await view(), signal)
  t.match(verdict(await view(), left).lacks.at(-1), { what: 'not looked for', why: /no right/ })
  const { entries } = await catalogue(archive, ALL, later, signal)
  t.same(await leftovers(uploads, entries, signal), new Map([[bundlePrefix(name), { uploads: 1, bytes: 16 * MIB }]]))
  t.same(await leftovers(denied, entries, signal), { unseen: 'cannot list uploads: no right' })
  t.same(await leftovers(denied, [], signal), new Map(), 'nobody is asked for nothing')
  const running = await catalogue(archive, ALL, Date.now(), signal)
  t.same(await leftovers(denied, running.entries, signal), new Map(), 'a capture that runs has uploads')
  await t.rejects(
    leftovers({ ...uploads, parts: async () => Promise.reject(new TypeError('a bug')) }, entries, signal),
    { message: 'a bug' },
  )
})

t.test('a huge artifact goes on in the segments that a salvager has completed', async (t) => {
  const { view } = await bundle(t)
  const seen = await view()
  const name = 'live/huge.core.zst'
  const receipt = {
    ...{ artifact: name, class: 'memory', source: 'live', status: 'truncated', item: {}, encoding: 'frames' },
    ...{ sealed: false, bytesIn: 1, bytesStored: 100, sha256: 'all', ms: 1, reason: 'its time was up' },
    objects: [{ name, bytes: 100, sha256: 'one' }],
  } as const
  const upload = { id: 'a', parts: 1, bytes: 50, holes: [{ from: 10, to: 20 }] }
  const held = (salvage: SalvageTold | undefined, segments: readonly string[]) => {
    const objects = new Map([[name, 100], ...segments.map((segment) => [`${name}${segment}`, 50] as const)])
    const manifest = { receipts: [receipt] } as unknown as BundleView['manifest']
    return holdings({ ...seen, manifest, salvage, objects })
  }
  const told = new Map([`${name}.001`, `${name}.003`].map((segment) => [segment, upload]))
  const [whole, ...others] = held(told, ['.001'])
  t.same(others, [])
  t.match(whole, { bytes: 150, sha256: undefined, holes: [{ from: 110, to: 120 }], receipt: { status: 'truncated' } })
  t.same(
    whole?.objects.map(({ sha256 }) => sha256),
    ['one', undefined],
  )
  const [alone, loose] = held(told, ['.003'])
  t.match(alone, { bytes: 100, sha256: 'all', holes: [] }, 'one is missing between')
  t.match(loose, { objects: [{ name: `${name}.003` }] })
  t.match(held(undefined, ['.001'])[0], { bytes: 100, sha256: 'all' }, 'nobody has said where it comes from')
})

t.test('in words', async (t) => {
  t.equal(leftoverTold({ uploads: 2, bytes: 680 * MIB }), '680MiB in 2 unfinished uploads')
  t.equal(leftoverTold({ uploads: 1, bytes: undefined }), '1 unfinished upload')
  const hole = (at: number) => ({ from: at * MIB, to: (at + 8) * MIB })
  t.equal(holesTold([hole(8)]), '8MiB of it never arrived (at 8MiB of what is stored)')
  t.match(holesTold([8, 24, 40, 56, 72].map(hole)), /^40MiB .*\(at 8MiB, at 24MiB, at 40MiB and 2 more places of/)
})

t.test('a lifecycle that removes too soon what a host could not finish', async (t) => {
  const { uploads } = await bundle(t)
  const told = async (days: number | undefined) => {
    const expiry = async () => (days === undefined ? undefined : { days, rule: 'tidy' })
    return await expiryTold({ ...uploads, expiry }, signal)
  }
  t.match(await told(1), /\(rule "tidy"\) removes unfinished uploads after 1 day: .* 7 days is the least/)
  t.match(await told(6), /after 6 days/)
  t.equal(await told(7), undefined)
  t.equal(await told(undefined), undefined)
})
