import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { openArchive, openStore } from '../../agent/store/open.ts'
import { failing } from '../contract/failing.ts'

const signal = AbortSignal.timeout(30_000)
const s3 = {
  region: 'eu-west-1',
  endpoint: undefined,
  addressing: 'virtual',
  owner: undefined,
  checksums: 'supported',
} as const

t.test('a URL opens the store it names', async (t) => {
  const root = join(t.testdir(), 'with space')
  const url = pathToFileURL(root).href
  await using store = await openStore(url, s3, signal)
  await using archive = await openArchive(url, s3, signal)
  await store.put('a', Buffer.from('x'), signal)
  t.same(
    (await Array.fromAsync(archive.list('', signal))).map(({ key }) => key),
    ['a'],
  )
  for (const [given, shown] of [
    ['s3://bucket', 's3://bucket'],
    ['s3://bucket/', 's3://bucket'],
    ['s3://my.bucket-1/a//b%20c/', 's3://my.bucket-1/a/b%20c'],
  ] as const) {
    await using bucket = await openStore(given, s3, signal)
    t.equal(bucket.url, shown)
  }
})

t.test('a URL that names no store is refused, with a reason', async (t) => {
  for (const [url, reason] of [
    ['', /s3:\/\/bucket\/prefix or file:\/\/\/path/],
    ['https://bucket.s3.amazonaws.com', /s3:\/\/bucket\/prefix or file:\/\/\/path/],
    ['/var/bundles', /s3:\/\/bucket\/prefix or file:\/\/\/path/],
    ['s3://', /bucket name/],
    ['s3:///prefix', /bucket name/],
    ['s3://b', /bucket name/],
    ['s3://key:secret@bucket/', /bucket name/],
    ['s3://bucket/a/../b', /"\.\."/],
    ['file://elsewhere/path', /comes an absolute path/],
    ['file://relative', /comes an absolute path/],
  ] as const) {
    await t.rejects(openStore(url, s3, signal), failing('permanent', reason), url)
    await t.rejects(openArchive(url, s3, signal), failing('permanent', reason), url)
  }
})

t.test('settings that cannot work are refused', async (t) => {
  const endpoint = failing('permanent', /check s3.endpoint/)
  for (const bad of ['localhost:9000', 'http://[', 'ftp://localhost']) {
    await t.rejects(openStore('s3://bucket', { ...s3, endpoint: bad }, signal), endpoint, bad)
  }
  await t.rejects(openStore('s3://bucket', { ...s3, region: '_' }, signal), failing('permanent', /check s3.region/))
  await using own = await openStore('s3://bucket', { ...s3, region: undefined, endpoint: 'http://127.0.0.1:9' }, signal)
  t.equal(own.url, 's3://bucket', 'a store of one`s own needs none')
})
