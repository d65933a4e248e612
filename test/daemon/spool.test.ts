import { mkdirSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { manifestSchema } from '../../agent/bundle/schema.ts'
import { s3Archive } from '../../agent/store/s3/archive.ts'
import { startS3Server } from '../s3-server.ts'
import { Link } from '../vm/link.ts'
import { bucketAt, hostOf, settle } from './processes.ts'

t.setTimeout(300_000)

const RECIPIENT = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'
const signal = AbortSignal.timeout(280_000)

async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
}

t.test('the link is down for a whole shutdown: the next daemon sends the bundle', async (t) => {
  const server = await startS3Server()
  if (typeof server === 'string') {
    t.comment(server)
    return
  }
  await using s3 = server
  await s3.makeBucket('bucket')
  await using link = await Link.open(Number(new URL(s3.endpoint).port))
  const host = await hostOf(t)
  const state = join(host.directory, 'state')
  mkdirSync(state)
  const store = bucketAt(`http://127.0.0.1:${link.port}`)
  process.env.AWS_ACCESS_KEY_ID = s3.accessKey
  process.env.AWS_SECRET_ACCESS_KEY = s3.secretKey
  const sealed = ['--set', `seal.recipients=["${RECIPIENT}"]`, '--set', 'deadline="20s"']
  host.collector(...sealed)
  link.behaviour = 'silent'
  const first = host.daemon(...store, ...sealed)
  await settle(host)
  await first.says(/is ready/)
  first.child.kill('SIGTERM')
  t.equal(await first.ended(), 'SIGTERM')
  const said = first.said()
  t.match(said, /^lastgasp: NO COMPLETE BUNDLE at s3:\/\/bucket: /m)
  t.match(said, /^lastgasp: kept on the disk, for the next boot to send: \d+ objects, /m)
  t.match(said, /^lastgasp: found: /m)
  const kept = await filesBelow(join(state, 'spool/1/objects'))
  t.ok(kept.some((path) => path.endsWith('/facts.tar.zst.age')))
  const open = /\/(opening|plan|manifest)\.json$|\/index\//
  for (const path of kept.filter((path) => !open.test(path)))
    t.match(String((await readFile(path)).subarray(0, 21)), 'age-encryption.org/v1', path)

  link.behaviour = 'open'
  const second = host.daemon(...store, ...sealed)
  await second.says(/\d+ objects that had been kept in the spool went to s3:\/\/bucket/)
  t.same(await filesBelow(join(state, 'spool')), [])
  const archive = await s3Archive({ scheme: 's3', bucket: 'bucket', prefix: '' } as never, s3.settings)
  const keys = (await Array.fromAsync(archive.list('', signal))).map(({ key }) => key)
  t.equal(keys.length, kept.length)
  const manifest = keys.find((key) => key.endsWith('/manifest.json')) ?? ''
  const chunks = await Array.fromAsync(await archive.read(manifest, 0, signal))
  const { receipts } = manifestSchema.parse(JSON.parse(String(Buffer.concat(chunks))))
  for (const { name } of receipts.flatMap(({ objects }) => objects))
    t.ok(
      keys.some((key) => key.replace(/\.again$/, '').endsWith(`/${name}`)),
      name,
    )
  await archive[Symbol.asyncDispose]()
})

t.test('without a state directory it says so, and goes on as it did', async (t) => {
  const host = await hostOf(t)
  host.collector()
  const daemon = host.daemon()
  await daemon.says(/where the store is out of reach, nothing is kept: cannot keep anything in .*state/)
  await settle(host)
  daemon.child.kill('SIGTERM')
  await daemon.ended()
  t.match(daemon.said(), /^lastgasp: (?:.* )?(complete|partial) bundle of/m)
})
