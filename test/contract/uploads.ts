import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import { PART_BYTES } from '../../agent/store/part-bytes.ts'
import type { Archive, Store } from '../../agent/store/store.ts'
import type { Unfinished, Uploads } from '../../agent/store/uploads.ts'

export interface Place {
  readonly store: Store
  readonly archive: Archive
  readonly uploads: Uploads
}

const signal = AbortSignal.timeout(290_000)
const FILLER = { bytes: PART_BYTES }

/** What every store's unfinished uploads keep. */
export async function uploadsContract(t: Test, { store, archive, uploads }: Place): Promise<void> {
  const content = async (key: string) => Buffer.concat(await Array.fromAsync(await archive.read(key, 0, signal)))
  const found = async (key: string) => (await Array.fromAsync(uploads.list(key, signal))) as [Unfinished]
  /** Leaves an upload behind that has these parts, as a host does that dies. */
  const leave = async (key: string, parts: Readonly<Record<number, Buffer>>) => {
    const upload = await store.begin(key, signal)
    for (const [number, body] of Object.entries(parts)) await upload.part(Number(number), body, signal)
    return upload
  }
  const [one, four, last] = [randomBytes(PART_BYTES), randomBytes(PART_BYTES), randomBytes(1000)]

  t.same(await found('v1/'), [], 'nothing is there, and nothing is made')
  const hosts = await leave('v1/left/a', { 1: one, 4: four, 5: last })
  await leave('v1/left/b', { 1: one })
  await leave('v1/other', {})
  t.same((await found('v1/left/')).map(({ key }) => key).sort(), ['v1/left/a', 'v1/left/b'])
  t.same((await found('v1/')).map(({ key }) => key).sort(), ['v1/left/a', 'v1/left/b', 'v1/other'])
  const [upload] = await found('v1/left/a')
  const parts = await uploads.parts(upload, signal)
  const told = parts.map(({ number, bytes }) => [number, bytes])
  t.same(told, [
    [1, PART_BYTES],
    [4, PART_BYTES],
    [5, 1000],
  ])
  t.same(await uploads.parts((await found('v1/other'))[0], signal), [])

  t.equal(await uploads.complete(upload, parts, { ...FILLER, numbers: [2, 3] }, signal), 'completed')
  const whole = await content('v1/left/a')
  t.ok(whole.equals(Buffer.concat([one, Buffer.alloc(2 * PART_BYTES), four, last])), 'each part at its place')
  t.same(await found('v1/left/a'), [])
  t.match(await uploads.complete(upload, parts, { ...FILLER, numbers: [2, 3] }, signal), /^(gone|completed)$/, 'again')
  t.same(await uploads.parts(upload, signal), [], 'it is gone')
  await t.rejects(hosts.complete(signal), 'the host comes too late')
  t.ok((await content('v1/left/a')).equals(whole), 'and changes nothing')

  const ahead = Math.abs((await uploads.now(signal)) - Date.now())
  t.ok(ahead < 5_000, `the clock is ${ahead} ms away`)
  t.equal(await uploads.put('v1/told', Buffer.from('one'), signal), 'created')
  t.equal(await uploads.put('v1/told', Buffer.from('two'), signal), 'exists')
  t.equal(String(await content('v1/told')), 'one')
}
