import { randomBytes } from 'node:crypto'
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { drain, tidy } from '../../agent/spool/drain.ts'
import { StoreError } from '../../agent/store/store.ts'
import { contentOf, INDEX, PREFIX, sceneIn, signal } from './scene.ts'

const GOLDEN = join(import.meta.dirname, '../fixtures/spool')
const URL = 's3://bucket/fleet'

/** A scene with the golden spool in it: what version 1 has laid down. */
function golden(t: { testdir(): string }) {
  const scene = sceneIn(t.testdir())
  cpSync(GOLDEN, join(scene.state, 'spool/1'), { recursive: true })
  return { ...scene, kept: scene.kept, stored: scene.stored, store: { ...scene.store, url: URL } }
}

t.test('a spool of version 1 goes to its store: names, record and all', async (t) => {
  const { place, store, stored, bucket, kept } = golden(t)
  // The record says that this one was sent; and its key is taken.
  await store.put(`${PREFIX}opening.json`, Buffer.from('opening\n'), signal)
  t.match(await drain(place, store, {}, signal), { stored: 5, left: 0 })
  t.same(await kept(), [])
  t.same(await stored(), [
    ...['cores/a.core.zst.again', 'facts.tar.zst', 'manifest.json', 'opening.json'].map((name) => PREFIX + name),
    `${INDEX}.complete.healthy.json`,
  ])
  t.equal(String(await contentOf(bucket, `${PREFIX}cores/a.core.zst.again`)), 'core\n')
})

t.test('what is begun in one store goes to no other', async (t) => {
  const { place, store } = golden(t)
  const other = { ...store, url: 's3://other' }
  t.match(await drain(place, other, {}, signal), { stored: 0, left: 5, because: 'they belong to s3://bucket/fleet' })
})

t.test('a key that is another’s stays, or its artifact goes under another name', async (t) => {
  const { place, store, bucket, kept } = golden(t)
  await store.put(`${PREFIX}facts.tar.zst`, Buffer.from('another'), signal)
  await store.put(`${PREFIX}manifest.json`, Buffer.from('another'), signal)
  t.match(await drain(place, store, {}, signal), { stored: 3, left: 2, because: /already|exists/i })
  t.equal(String(await contentOf(bucket, `${PREFIX}facts.tar.zst.again`)), 'facts\n')
  t.equal(String(await contentOf(bucket, `${PREFIX}manifest.json`)), 'another')
  t.same(await kept(), [`${PREFIX}manifest.json`, `${INDEX}.complete.healthy.json`], 'no row that it says nothing of')
  t.equal(readdirSync(place.records).length, 1, 'what the record says is needed as long as something is left')
})

t.test('what is broken costs nothing but itself', async (t) => {
  const { place, store, state, bucket, kept } = golden(t)
  const at = (key: string) => join(place.objects, key)
  const put = (key: string, body: string | Buffer = 'x') => {
    mkdirSync(dirname(at(key)), { recursive: true })
    writeFileSync(at(key), body)
  }
  writeFileSync(join(state, 'secret'), 'a secret')
  symlinkSync(join(state, 'secret'), at(`${PREFIX}link.zst`))
  symlinkSync(state, at('v1/hosts/linked'))
  put('somewhere/else')
  put('v1/hosts/host-1/no-bundle/facts.tar.zst')
  put('v1/index/dt=2026-11-30/host-1/row.json')
  const broken = PREFIX.replace('T120000Z', 'T110000Z')
  put(`${broken}opening.json`)
  writeFileSync(join(place.records, broken.split('/')[3] ?? ''), randomBytes(5_000))
  const strange = PREFIX.replace('T120000Z', 'T110001Z')
  put(`${strange}opening.json`)
  mkdirSync(join(place.records, strange.split('/')[3] ?? ''))
  const refusing = {
    ...store,
    put: async (...put: Parameters<typeof store.put>) => {
      if (put[0].endsWith('/facts.tar.zst')) throw new StoreError('denied', 'cannot store it: no')
      return await store.put(...put)
    },
  }
  const drained = await drain(place, refusing, {}, signal)
  t.match(drained, { stored: 3, left: 4 })
  t.ok(await contentOf(bucket, `${PREFIX}cores/a.core.zst.again`))
  t.ok(await contentOf(bucket, `${broken}opening.json`))
  t.same(
    (await kept()).filter((key) => key.startsWith(PREFIX)),
    [`${PREFIX}facts.tar.zst`, `${PREFIX}manifest.json`],
    'the manifest names what the store may yet take',
  )
  t.ok((await kept()).includes('somewhere/else'))
  t.match(await drain(place, store, {}, signal), { stored: 3, left: 1 })
  for (const name of ['facts.tar.zst', 'manifest.json']) t.ok(await contentOf(bucket, PREFIX + name), name)
})

t.test('what the disk does not give back holds up nothing', async (t) => {
  const { place, store, bucket, kept } = golden(t)
  const path = join(place.objects, `${PREFIX}facts.tar.zst`)
  // Longer than it says when it is read.
  const lying = {
    ...store,
    put: async (...put: Parameters<typeof store.put>) => {
      if (put[0].endsWith('/opening.json')) writeFileSync(path, '')
      return await store.put(...put)
    },
  }
  t.match(await drain(place, lying, {}, signal), { stored: 4, left: 1, because: /it has become shorter/ })
  t.ok(await contentOf(bucket, `${PREFIX}manifest.json`))
  t.same(await kept(), [`${PREFIX}facts.tar.zst`])
})

t.test('what cannot be read stays', { skip: process.getuid?.() === 0 && 'root reads everything' }, async (t) => {
  const { place, store } = golden(t)
  chmodSync(join(place.objects, `${PREFIX}facts.tar.zst`), 0)
  t.match(await drain(place, store, {}, signal), { stored: 4, left: 1, because: /cannot read/ })
})

t.test('what was being written when the power was cut is no object', async (t) => {
  const { place, kept } = golden(t)
  const upload = join(place.objects, '.uploads/0123456789abcdef')
  mkdirSync(upload, { recursive: true })
  writeFileSync(join(upload, 'data'), 'x')
  t.equal((await kept()).length, 5)
  await tidy(place, signal)
  t.throws(() => rmSync(upload, { recursive: true }), /ENOENT/)
  t.equal((await kept()).length, 5)
})
