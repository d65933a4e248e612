import { randomBytes } from 'node:crypto'
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { drain } from '../../agent/spool/drain.ts'
import { Keeper } from '../../agent/spool/keeper.ts'
import { placeIn, recordOf } from '../../agent/spool/place.ts'
import { readRecord } from '../../agent/spool/record.ts'
import { spooled } from '../../agent/spool/spooled.ts'
import { directoryArchive } from '../../agent/store/directory/archive.ts'
import { directoryStore } from '../../agent/store/directory/store.ts'
import { PART_BYTES } from '../../agent/store/part-bytes.ts'
import { retrying } from '../../agent/store/retrying.ts'
import { writeObject } from '../../agent/store/write-object.ts'
import { systemClock } from '../../agent/words/clock.ts'
import { failing } from '../contract/failing.ts'
import { flaky } from '../contract/flaky.ts'
import { storeContract } from '../contract/store.ts'
import { lent } from '../streams/poisoned.ts'
import { contentOf, INDEX, PREFIX, sceneIn, signal } from './scene.ts'

// A store that is silent holds nothing that keeps a process alive.
const alive = setInterval(() => {}, 1_000)
t.teardown(() => clearInterval(alive))

const patient = { silence: 60_000, most: 60_000, left: () => 60_000, hurry: new AbortController().signal }
const one = async function* (body: Buffer) {
  for (let at = 0; at < body.length; at += 1_000_000) yield body.subarray(at, at + 1_000_000)
}

for (const [name, make] of [
  ['a store within reach', directoryStore],
  ['one whose first tries fail', (root: string) => retrying(flaky(directoryStore(root)), 2)],
] as const)
  t.test(`with the disk behind it, ${name} keeps the contract`, async (t) => {
    const root = t.testdir({ state: {}, bucket: {} })
    const place = placeIn(join(root, 'state'))
    const open = (limit: AbortSignal) => Keeper.open(place, 'file:///', 1024 ** 3, limit)
    await using store = spooled(make(join(root, 'bucket')), open, patient, systemClock)
    await using archive = directoryArchive(join(root, 'bucket'))
    await storeContract(t, { store, archive, completeIsCreateOnly: true, completesSubset: true })
  })

t.test('out of reach, what comes is kept under its key, and goes to the store later', async (t) => {
  const scene = sceneIn(t.testdir())
  const store = scene.backed()
  await store.put(`${PREFIX}opening.json`, Buffer.from('opening'), signal)
  scene.fate = 'silent'
  t.match(await store.put(`${PREFIX}facts.tar.zst`, Buffer.from('facts'), signal), {
    key: `${PREFIX}facts.tar.zst`,
    bytes: 5,
  })
  const { asked } = scene
  await store.put(`${PREFIX}manifest.json`, Buffer.from('manifest'), signal)
  await store.put(`${INDEX}.complete.healthy.json`, Buffer.from('row'), signal)
  t.equal(scene.asked, asked, 'it is asked no more')
  t.match(store.kept, { objects: 3, bytes: 16 })
  t.equal((await scene.kept()).length, 3)
  for (const path of [scene.place.objects, scene.place.records]) t.equal(statSync(path).mode & 0o777, 0o700)
  await t.rejects(drain(scene.place, scene.store, {}, AbortSignal.timeout(200)))
  scene.fate = 'answers'
  t.match(await drain(scene.place, scene.store, {}, signal), { stored: 3, left: 0 })
  t.same(await scene.kept(), [])
  t.equal((await scene.stored()).length, 4)
  t.equal(String(await contentOf(scene.bucket, `${PREFIX}facts.tar.zst`)), 'facts')
})

t.test('what had arrived after all is ours', async (t) => {
  const scene = sceneIn(t.testdir())
  scene.fate = 'loses'
  await scene.backed().put(`${PREFIX}opening.json`, Buffer.from('opening'), signal)
  scene.fate = 'answers'
  t.match(await drain(scene.place, scene.store, {}, signal), { stored: 1, left: 0 })
  t.same(await scene.stored(), [`${PREFIX}opening.json`])
})

t.test('a large object goes under another name: one of which nothing had arrived goes on on the disk', async (t) => {
  const scene = sceneIn(t.testdir())
  const store = scene.backed()
  const body = randomBytes(2 * PART_BYTES + 5)
  const key = `${PREFIX}cores/a.core.zst`
  const upload = await store.begin(key, signal)
  scene.fate = 'silent'
  await upload.part(1, body.subarray(0, PART_BYTES), signal)
  await upload.part(2, body.subarray(PART_BYTES, 2 * PART_BYTES), signal)
  await upload.part(3, body.subarray(2 * PART_BYTES), signal)
  t.match(await upload.complete(signal), { key, bytes: body.length })
  t.same(await scene.kept(), [`${key}.again`])
  scene.fate = 'answers'
  t.match(await drain(scene.place, scene.store, {}, signal), { stored: 1, left: 0 })
  t.ok((await contentOf(scene.bucket, `${key}.again`)).equals(body))
})

t.test('one of which some had arrived fails, and comes again', async (t) => {
  const scene = sceneIn(t.testdir())
  const store = scene.backed()
  const body = randomBytes(PART_BYTES)
  const key = `${PREFIX}cores/a.core.zst`
  const upload = await store.begin(key, signal)
  await upload.part(1, body, signal)
  scene.fate = 'silent'
  await t.rejects(upload.part(2, body, signal), failing('transient', /does not answer/))
  await t.rejects(upload.complete(signal), failing('transient', /does not answer/))
  await store.put(key, Buffer.from('small by now'), signal)
  t.same(await scene.kept(), [`${key}.again`])
})

t.test('a store that fails for now is asked again for the next object', async (t) => {
  const scene = sceneIn(t.testdir())
  const store = scene.backed()
  scene.fate = 'fails'
  await store.put(`${PREFIX}a`, Buffer.from('a'), signal)
  scene.fate = 'answers'
  await store.put(`${PREFIX}b`, Buffer.from('b'), signal)
  t.same([await scene.kept(), await scene.stored()], [[`${PREFIX}a`], [`${PREFIX}b`]])
})

t.test('what the store refuses is not kept', async (t) => {
  const scene = sceneIn(t.testdir())
  const store = scene.backed()
  await store.put(`${PREFIX}a`, Buffer.from('a'), signal)
  await t.rejects(store.put(`${PREFIX}a`, Buffer.from('b'), signal), failing('exists'))
  t.same(store.kept, { objects: 0, bytes: 0 })
})

t.test('as much is kept as there is room for, and documents in any case', async (t) => {
  const scene = sceneIn(t.testdir(), 4 * 1024 ** 2)
  const store = scene.backed()
  scene.fate = 'silent'
  await store.put(`${PREFIX}opening.json`, Buffer.from('opening'), signal)
  const body = randomBytes(20_000_000)
  const cut = await writeObject(store, `${PREFIX}cores/a.core.zst`, lent(one(body)), {}, signal)
  t.match(cut.cut, { message: /until the next boot: there is room for/ })
  t.ok(cut.bytes > 1024 ** 2 && cut.bytes < 3 * 1024 ** 2, `${cut.bytes}`)
  await t.rejects(
    store.put(`${PREFIX}cores/b.core.zst`, randomBytes(3 * 1024 ** 2), signal),
    failing('permanent', /there is room for/),
  )
  await store.put(`${PREFIX}facts.tar.zst`, randomBytes(100_000), signal)
  await store.put(`${PREFIX}manifest.json`, randomBytes(400_000), signal)
  scene.fate = 'answers'
  t.match(await drain(scene.place, scene.store, {}, signal), { stored: 4, left: 0 })
  t.ok((await contentOf(scene.bucket, `${PREFIX}cores/a.core.zst`)).equals(body.subarray(0, cut.bytes)))
})

t.test('a document for which there is no room goes to the store, but not before what it speaks of', async (t) => {
  const large = randomBytes(400_000)
  for (const [others, arrives] of [
    [[], true],
    [[`${PREFIX}facts.tar.zst`], false],
    [[`${PREFIX}opening.json`], false],
  ] as const) {
    const scene = sceneIn(t.testdir(), 300_000)
    const store = scene.backed()
    scene.fate = 'silent'
    for (const key of others) await store.put(key, Buffer.from('kept'), signal)
    const put = store.put(`${PREFIX}manifest.json`, large, signal)
    // It is asked once more when the disk has no room.
    scene.fate = 'answers'
    if (arrives) await put
    else await t.rejects(put, failing('permanent', /there is room for/))
    t.same(await scene.stored(), arrives ? [`${PREFIX}manifest.json`] : [], `${others}`)
  }
})

t.test('what is set apart for documents no artifact takes, and with too little room nothing is kept', async (t) => {
  const scene = sceneIn(t.testdir(), 256 * 1024)
  const store = scene.backed()
  scene.fate = 'silent'
  const artifacts = Array.from({ length: 40 }, (_, n) => `${PREFIX}small/${n}`)
  for (const key of artifacts) await store.put(key, randomBytes(1000), signal).catch(() => {})
  for (const name of ['opening', 'plan', 'manifest'])
    await store.put(`${PREFIX}${name}.json`, randomBytes(5000), signal)
  await store.put(`${INDEX}.complete.healthy.json`, randomBytes(2000), signal)
  const kept = await scene.kept()
  t.ok(kept.includes(`${PREFIX}manifest.json`) && kept.includes(`${INDEX}.complete.healthy.json`))
  t.ok(kept.length > 20 && kept.length < 30, `${kept.length}`)
  await t.rejects(
    Keeper.open(scene.place, scene.store.url, 256 * 1024, signal),
    failing('permanent', /there is left .*a bundle takes 256KiB at least/),
  )
})

t.test('where nothing can be kept, it is the store itself', async (t) => {
  for (const most of [0, 1024 ** 3]) {
    const root = t.testdir()
    const scene = sceneIn(root, most)
    const state = most === 0 ? scene.state : join(root, 'nowhere')
    const open = (limit: AbortSignal) => Keeper.open(placeIn(state), scene.store.url, most, limit)
    const patience = { ...patient, silence: 100, most: 100 }
    const store = spooled(scene.store, open, patience, systemClock)
    scene.fate = 'silent'
    const put = store.put(`${PREFIX}a`, Buffer.from('a'), AbortSignal.timeout(1_000))
    const began = performance.now()
    await t.rejects(put)
    t.ok(performance.now() - began > 800, 'tried until the end')
    t.match(store.kept.refused?.message, most === 0 ? /spool.max is 0B/ : /no such file/i)
    scene.fate = 'answers'
    await store.put(`${PREFIX}b`, Buffer.from('b'), signal)
  }
})

t.test('the record outlives what a power cut leaves of it', async (t) => {
  const root = t.testdir({ state: { spool: { 1: { records: {} } } } })
  const place = placeIn(join(root, 'state'))
  const path = recordOf(place, { identity: 'h', bundle: 'b' })
  t.same(await readRecord(path, signal), { store: undefined, sent: new Set() })
  const { addLine } = await import('../../agent/spool/record.ts')
  const { appendFileSync, writeFileSync } = await import('node:fs')
  await addLine(path, { store: 's3://one' }, signal)
  await addLine(path, { sent: 'a key' }, signal)
  appendFileSync(path, 'sent torn')
  t.same(await readRecord(path, signal), { store: 's3://one', sent: new Set(['a key']) })
  await addLine(path, { sent: 'next' }, signal)
  t.ok((await readRecord(path, signal)).sent.has('next'))
  writeFileSync(path, randomBytes(10_000))
  t.equal((await readRecord(path, signal)).store, undefined)
  mkdirSync(`${path}-directory`)
  t.same((await readRecord(`${path}-directory`, signal)).sent, new Set())
})
