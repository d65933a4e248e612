import { join } from 'node:path'
import t, { type Test } from 'tap'
import { bundlePrefix, newBundle, parseIndexKey } from '../../../agent/bundle/keys.ts'
import { salvageSchema } from '../../../agent/bundle/salvage-schema.ts'
import { rowSchema } from '../../../agent/bundle/schema.ts'
import { viewBundle } from '../../../agent/operator/bundle/bundle-view.ts'
import { costOf } from '../../../agent/operator/salvage/cost.ts'
import { look, type Place } from '../../../agent/operator/salvage/plan.ts'
import { salvageBundle } from '../../../agent/operator/salvage/salvage-bundle.ts'
import { directoryArchive } from '../../../agent/store/directory/archive.ts'
import { directoryStore } from '../../../agent/store/directory/store.ts'
import { directoryUploads } from '../../../agent/store/directory/uploads.ts'
import { PART_BYTES } from '../../../agent/store/part-bytes.ts'
import { retrying } from '../../../agent/store/retrying.ts'
import { s3Archive } from '../../../agent/store/s3/archive.ts'
import { s3Store } from '../../../agent/store/s3/store.ts'
import { s3Uploads } from '../../../agent/store/s3/uploads.ts'
import type { Archive, Store } from '../../../agent/store/store.ts'
import { startS3Server } from '../../s3-server.ts'
import { core, cutBundle, leave } from './cut-bundle.ts'

t.setTimeout(300_000)
const signal = AbortSignal.timeout(290_000)
const LATER_MS = 3_600_000

interface Bucket extends Place {
  readonly store: Store
  /** The same, an hour later. */
  readonly later: Place
}

const server = await startS3Server()
if (typeof server !== 'string') t.teardown(() => server[Symbol.asyncDispose]())
let buckets = 0

/** A store of each kind. */
async function opened(t: Test, kind: 'directory' | 's3'): Promise<Bucket> {
  const inAnHour = (place: Place): Place => ({
    ...place,
    uploads: { ...place.uploads, now: async () => Date.now() + LATER_MS },
  })
  if (kind === 'directory' || typeof server === 'string') {
    const root = join(t.testdir({}), 'store')
    const place = { archive: directoryArchive(root), uploads: directoryUploads(root) }
    return { store: directoryStore(root), ...place, later: inAnHour(place) }
  }
  const bucket = `salvage-${++buckets}`
  await server.makeBucket(bucket)
  const where = { scheme: 's3', bucket, prefix: 'prod/' } as const
  const store = retrying(await s3Store(where, server.settings), Number.POSITIVE_INFINITY)
  const place = { archive: await s3Archive(where, server.settings), uploads: await s3Uploads(where, server.settings) }
  t.teardown(async () => {
    for (const one of [store, place.archive, place.uploads]) await one[Symbol.asyncDispose]()
  })
  return { store, ...place, later: inAnHour(place) }
}

const content = async (archive: Archive, key: string) =>
  Buffer.concat(await Array.fromAsync(await archive.read(key, 0, signal)))

const facts = { artifact: 'facts.tar.zst', source: 'facts', content: Buffer.alloc(1024), encoding: 'frames' } as const

for (const kind of ['directory', 's3'] as const) {
  const skip = kind === 's3' && typeof server === 'string' ? server : false

  t.test(`${kind}: what had arrived becomes an object, each part at its place`, { skip }, async (t) => {
    const { store, archive, later, uploads } = await opened(t, kind)
    const name = newBundle('web-7', Date.now())
    const cut = [{ piece: core('live/app.7.core.zst', 9), arrived: [1, 3, 4] }]
    const stored = (await cutBundle({ store, name, whole: [facts], cut })).get('live/app.7.core.zst') as Buffer

    t.match(await look({ archive, uploads }, name, signal), { is: 'running' }, 'its host may be at it')
    const found = await look(later, name, signal)
    if (found.is !== 'due') throw new Error(found.is)
    t.match(costOf([found.plan]), { uploads: 1, bytes: 3 * PART_BYTES, writes: 4 })
    t.ok(costOf([found.plan]).sent - PART_BYTES < 100_000)
    const { outcomes, left } = await salvageBundle(later, found.plan, '1.2.3', signal)
    t.same(outcomes, [{ name: 'live/app.7.core.zst', status: 'completed', bytes: 3 * PART_BYTES }])
    t.same(left, [])

    const object = await content(archive, `${bundlePrefix(name)}live/app.7.core.zst`)
    const golden = Buffer.from(stored.subarray(0, 4 * PART_BYTES))
    golden.fill(0, PART_BYTES, 2 * PART_BYTES)
    t.ok(object.equals(golden))
    const told = salvageSchema.parse(JSON.parse(String(await content(archive, `${bundlePrefix(name)}salvage.json`))))
    t.match(told, {
      ...{ ...name, agent: '1.2.3', closed: false, left: [] },
      receipts: [
        {
          artifact: 'facts.tar.zst',
          source: 'facts',
          status: 'arrived',
          objects: [{ name: 'facts.tar.zst', upload: undefined }],
        },
        {
          ...{ artifact: 'live/app.7.core.zst', class: 'memory', source: 'live', status: 'unfinished' },
          bytesStored: 3 * PART_BYTES,
          objects: [{ bytes: 4 * PART_BYTES, upload: { parts: 3, holes: [{ from: PART_BYTES, to: 2 * PART_BYTES }] } }],
        },
        { artifact: 'journal/x.journal.zst', status: 'missing', objects: [] },
      ],
    })
    const marks = (await Array.fromAsync(archive.list('v1/index/', signal))).map(({ key }) => key)
    const key = marks.find((one) => parseIndexKey(one)?.mark.kind === 'row') ?? ''
    t.match(parseIndexKey(key)?.mark, { status: 'salvaged', why: 'unknown', before: false })
    const row = rowSchema.parse(JSON.parse(String(await content(archive, key))))
    t.match(row, {
      status: 'salvaged',
      artifacts: 2,
      truncated: 1,
      failed: 1,
      complete: null,
      ended: null,
      crashes: null,
    })
    t.equal((await viewBundle(archive, name, Date.now(), signal)).state, 'salvaged')
    t.match(await look(later, name, signal), { is: 'closed' }, 'again: there is nothing to do')
  })

  t.test(`${kind}: a salvager that is interrupted leaves what the next one ends`, { skip }, async (t) => {
    const { store, later } = await opened(t, kind)
    const interruptedAt = ['put', 'fill', 'complete', 'row'] as const
    for (const at of interruptedAt) {
      const name = newBundle(`at-${at}`, Date.now())
      await cutBundle({ store, name, cut: [{ piece: core('live/app.7.core.zst', 5), arrived: [1, 3] }] })
      const found = await look(later, name, signal)
      if (found.is !== 'due') throw new Error(found.is)
      await t.rejects(salvageBundle(failingAt(later, at), found.plan, '1', signal), { message: at })
      const again = await look(later, name, signal)
      if (again.is !== 'due') throw new Error(again.is)
      await salvageBundle(later, again.plan, '1', signal)
      const view = await viewBundle(later.archive, name, Date.now(), signal)
      t.same(view.salvage?.get('live/app.7.core.zst')?.holes, [{ from: PART_BYTES, to: 2 * PART_BYTES }], at)
      t.match(await look(later, name, signal), { is: 'closed' })
    }
  })

  t.test(`${kind}: two salvagers at once make one object and say one thing`, { skip }, async (t) => {
    const { store, archive, later } = await opened(t, kind)
    const name = newBundle('twice', Date.now())
    const cut = [
      { piece: core('live/app.7.core.zst', 9), arrived: [1, 4] },
      { piece: core('live/app.8.core.zst', 5), arrived: [1, 2, 3] },
    ]
    const stored = await cutBundle({ store, name, cut })
    const one = async () => {
      const found = await look(later, name, signal)
      return found.is === 'due' ? await salvageBundle(later, found.plan, '1', signal) : undefined
    }
    const all = await Promise.all(Array.from({ length: 4 }, one))
    for (const outcome of all.flatMap((one) => one?.outcomes ?? [])) t.equal(outcome.status, 'completed')
    const object = await content(archive, `${bundlePrefix(name)}live/app.8.core.zst`)
    t.ok(object.equals(stored.get('live/app.8.core.zst') as Buffer), 'all of it had arrived')
    const holed = await content(archive, `${bundlePrefix(name)}live/app.7.core.zst`)
    t.equal(holed.length, 4 * PART_BYTES)
    const keys = (await Array.fromAsync(archive.list('v1/', signal))).map(({ key }) => key)
    t.equal(keys.filter((key) => key.includes('salvaged')).length, 1)
    t.equal(keys.filter((key) => key.includes('salvage.json')).length, 1)
    t.match(await look(later, name, signal), { is: 'closed' })
  })

  t.test(`${kind}: uploads that are left as they are, and why`, { skip }, async (t) => {
    const { store, archive, later } = await opened(t, kind)
    const name = newBundle('web-7', Date.now())
    const { content: body } = core('', 5)
    await cutBundle({ store, name, cut: [{ piece: core('live/good.core.zst', 2), arrived: [1] }] })
    const prefix = bundlePrefix(name)
    await store.put(`${prefix}taken.zst`, Buffer.from('taken'), signal)
    for (const [key, arrived] of [
      ['taken.zst', [1]],
      ['cores/a.core.zst.again', [1]],
      ['manifest.json', [1]],
      ['salvage.json', [1]],
      ['live/none.core.zst', []],
      ['live/two.core.zst', [1]],
    ] as const)
      await leave(store, prefix + key, body, arrived)
    await leave(store, `${prefix}live/two.core.zst`, body, [1, 2])
    const far = await store.begin(`${prefix}live/far.core.zst`, signal)
    await far.part(1, body.subarray(0, PART_BYTES), signal)
    await far.part(kind === 's3' ? 10_000 : 100, Buffer.from('far'), signal)

    const found = await look(later, name, signal)
    if (found.is !== 'due') throw new Error(found.is)
    const { outcomes, left } = await salvageBundle(later, found.plan, '1', signal)
    t.same(outcomes.map(({ name, bytes }) => [name, bytes]).sort(), [
      ['live/good.core.zst', Math.min(PART_BYTES, outcomes.find(({ name }) => name.includes('good'))?.bytes ?? 0)],
      ['live/two.core.zst', 2 * PART_BYTES],
    ])
    const reasons = new Map(left.map(({ name, reason }) => [name, reason]))
    t.match(reasons.get('taken.zst'), /there already/)
    t.match(reasons.get('cores/a.core.zst.again'), /sends all of it anew/)
    t.match(reasons.get('manifest.json'), /no capture sends a document in parts/)
    t.match(reasons.get('salvage.json'), /no capture sends a document in parts/)
    t.match(reasons.get('live/far.core.zst'), /of its \d+ parts are missing/)
    t.match(reasons.get('live/two.core.zst'), /another upload of the same object/)
    t.notOk(reasons.has('live/none.core.zst'), 'of which nothing has arrived')
    t.equal(String(await content(archive, `${prefix}taken.zst`)), 'taken')
  })

  t.test(`${kind}: a bundle that its host has closed keeps what the host says`, { skip }, async (t) => {
    const { store, archive, later } = await opened(t, kind)
    const name = newBundle('web-7', Date.now())
    await cutBundle({ store, name, end: 'closed', cut: [{ piece: core('live/app.7.core.zst', 5), arrived: [1, 2] }] })
    const before = (await Array.fromAsync(archive.list('v1/index/', signal))).map(({ key }) => key)
    const found = await look(later, name, signal)
    if (found.is !== 'due') throw new Error(found.is)
    await salvageBundle(later, found.plan, '1', signal)
    const view = await viewBundle(archive, name, Date.now(), signal)
    t.equal(view.state, 'partial')
    t.equal(view.objects.get('live/app.7.core.zst'), 2 * PART_BYTES)
    const after = (await Array.fromAsync(archive.list('v1/index/', signal))).map(({ key }) => key)
    t.same(after, before, 'its row is the host’s')
    t.match(await look(later, name, signal), { is: 'closed' })
  })
}

t.test('a host whose row was lost gets one of what its manifest says', async (t) => {
  const { store, later, archive } = await opened(t, 'directory')
  const name = newBundle('web-7', Date.now())
  const withoutRows: Store = {
    ...store,
    put: async (key, body, signal) =>
      key.endsWith('.json') && key.includes('/index/') ? { key, bytes: 0 } : await store.put(key, body, signal),
  }
  await cutBundle({ store: withoutRows, name, whole: [facts], cut: [], end: 'closed' })
  const found = await look(later, name, signal)
  if (found.is !== 'due') throw new Error(found.is)
  await salvageBundle(later, found.plan, '1', signal)
  const keys = (await Array.fromAsync(archive.list('v1/', signal))).map(({ key }) => key)
  const row = keys.find((key) => key.includes('salvaged')) ?? ''
  const told = rowSchema.parse(JSON.parse(String(await content(archive, row))))
  t.match(told, { status: 'salvaged', complete: 1, crashes: 0 })
  t.notOk(
    keys.some((key) => key.includes('salvage.json')),
    'the manifest says it all',
  )
})

t.test('what no capture has begun is not salvaged', async (t) => {
  const { store, later } = await opened(t, 'directory')
  const name = newBundle('web-7', Date.now())
  await leave(store, `${bundlePrefix(name)}live/x.core.zst`, Buffer.alloc(100, 1), [1])
  t.match(await look(later, name, signal), { is: 'refused', reason: /no opening/ })
})

/** The same place, where one of the steps fails as an interruption does. */
function failingAt(place: Place, at: 'put' | 'fill' | 'complete' | 'row'): Place {
  const fail = () => {
    throw new Error(at)
  }
  const { uploads } = place
  return {
    ...place,
    uploads: {
      ...uploads,
      put: async (key, body, signal) => {
        if (at === 'put' || (at === 'row' && key.includes('/index/'))) fail()
        return await uploads.put(key, body, signal)
      },
      complete: async (upload, parts, filler, signal) => {
        // Filled, and not completed: as if one part were not named.
        if (at === 'fill') await uploads.complete(upload, parts.slice(1), filler, signal).catch(() => {})
        if (at === 'fill' || at === 'complete') fail()
        return await uploads.complete(upload, parts, filler, signal)
      },
    },
  }
}
