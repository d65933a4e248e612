import { spawnSync } from 'node:child_process'
import { chmod, chown, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { directoryArchive } from '../../agent/store/directory/archive.ts'
import { NotDurable, publish } from '../../agent/store/directory/durable.ts'
import { storeError } from '../../agent/store/directory/failure.ts'
import { directoryStore } from '../../agent/store/directory/store.ts'
import { PART_BYTES } from '../../agent/store/part-bytes.ts'
import { failing } from '../contract/failing.ts'
import { storeContract } from '../contract/store.ts'

const signal = AbortSignal.timeout(60_000)

t.test('a directory keeps the contract', async (t) => {
  const root = join(t.testdir(), 'made on the way')
  await using store = directoryStore(root)
  await using archive = directoryArchive(root)
  t.equal(store.url, pathToFileURL(root).href)
  t.equal(archive.url, store.url)
  await storeContract(t, { store, archive, completeIsCreateOnly: true, completesSubset: true })
  const left = await readdir(join(root, '.uploads'))
  t.notOk(
    left.some((name) => name.endsWith('.put')),
    'no temporary file of a put is left',
  )
})

t.test('an upload nobody completed lies there as DIRECTORY.md says', async (t) => {
  const root = t.testdir()
  const upload = await directoryStore(root).begin('v1/core', signal)
  await upload.part(1, Buffer.alloc(PART_BYTES, 1), signal)
  await upload.part(3, Buffer.from('third'), signal)
  const [name = ''] = await readdir(join(root, '.uploads'))
  t.match(name, /^[0-9a-f]{16}$/)
  t.equal(await readFile(join(root, '.uploads', name, 'key'), 'utf8'), 'v1/core')
  const data = await readFile(join(root, '.uploads', name, 'data'))
  const golden = Buffer.concat([Buffer.alloc(PART_BYTES, 1), Buffer.alloc(PART_BYTES, 0), Buffer.from('third')])
  t.ok(data.equals(golden), 'each part at its place')
  t.same(await Array.fromAsync(directoryArchive(root).list('', signal)), [])
  await upload.complete(signal)
  t.same(await readdir(join(root, '.uploads')), [], 'and nothing of it is left when it is complete')
})

t.test('a name is given once, and given again to the same file', async (t) => {
  const root = t.testdir({ one: 'one', other: 'other' })
  const name = join(root, 'name')
  await publish(join(root, 'one'), name)
  await publish(join(root, 'one'), name)
  await t.rejects(publish(join(root, 'other'), name), { code: 'EEXIST' } as unknown as Error)
  t.equal(await readFile(name, 'utf8'), 'one')
})

t.test('what has its name, and may not keep it, is in doubt', async (t) => {
  const error = Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO', syscall: 'fsync' })
  const why = /^cannot store x: cannot keep the name x: EIO/
  t.match(storeError('store x', new NotDurable('x', error)), { failure: 'transient', message: why, doubtful: true })
  t.match(storeError('store x', error), { failure: 'transient', doubtful: false })
})

t.test('nobody else looks into what is made, whatever the umask', async (t) => {
  const root = join(t.testdir(), 'store')
  const before = process.umask(0o022)
  try {
    const store = directoryStore(root)
    await store.put('v1/hosts/web/opening.json', Buffer.from('{}'), signal)
    const upload = await store.begin('v1/hosts/web/core', signal)
    await upload.part(1, Buffer.from('memory'), signal)
    const [left = ''] = await readdir(join(root, '.uploads'))
    t.equal((await stat(join(root, '.uploads', left, 'data'))).mode & 0o777, 0o600)
    await upload.complete(signal)
    const made = ['', '.uploads', 'v1', 'v1/hosts', 'v1/hosts/web', 'v1/hosts/web/opening.json', 'v1/hosts/web/core']
    for (const name of made) t.equal((await stat(join(root, name))).mode & 0o077, 0, name)
  } finally {
    process.umask(before)
  }
})

t.test('no key leads through a symbolic link', async (t) => {
  const root = t.testdir({ elsewhere: { secret: 'x' }, store: { v1: {} } })
  const store = directoryStore(join(root, 'store'))
  const archive = directoryArchive(join(root, 'store'))
  await symlink('../../elsewhere', join(root, 'store/v1/linked'))
  await symlink('../../elsewhere/secret', join(root, 'store/v1/link'))
  const refused = failing('permanent', /symbolic link/)
  await t.rejects(store.put('v1/linked/deep/planted', Buffer.from('x'), signal), refused)
  const upload = await store.begin('v1/linked/core', signal)
  await upload.part(1, Buffer.from('x'), signal)
  await t.rejects(upload.complete(signal), refused)
  for (const key of ['v1/linked/secret', 'v1/link']) await t.rejects(archive.read(key, 0, signal), refused)
  t.same(await Array.fromAsync(archive.list('', signal)), [])
  t.same(await readdir(join(root, 'elsewhere')), ['secret'], 'nothing was written there')
})

t.test('failures of the file system have their kind', async (t) => {
  const root = t.testdir({ file: 'in the way' })
  const store = directoryStore(root)
  await t.rejects(store.put('file/below', Buffer.from('x'), signal), failing('permanent', /file\/below/))
  await t.rejects(store.put('n'.repeat(300), Buffer.from('x'), signal), failing('permanent'))
  const nowhere = directoryArchive(join(root, 'nowhere'))
  await t.rejects(Array.fromAsync(nowhere.list('', signal)), failing('permanent', /no such directory/))
  t.same(await Array.fromAsync(directoryArchive(root).folders('../', signal)), [], 'never above the root')
})

t.test('a full disk is transient', async (t) => {
  const root = join(t.testdir({ disk: {} }), 'disk')
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', root])
  if (mounted.status !== 0) return void t.pass('no room', { skip: `no tmpfs can be mounted: ${mounted.stderr}` })
  try {
    const store = directoryStore(root)
    await t.rejects(store.put('big', Buffer.alloc(2 * 1024 * 1024), signal), failing('transient', /ENOSPC/))
    await store.put('small', Buffer.from('x'), signal)
    t.same(await readdir(join(root, '.uploads')), [], 'and leaves nothing behind')
  } finally {
    spawnSync('umount', ['--lazy', root])
  }
})

t.test(
  'a directory we may not write to is denied',
  { skip: process.getuid?.() === 0 && 'root may do anything' },
  async (t) => {
    const root = t.testdir()
    await chmod(root, 0o500)
    t.teardown(() => chmod(root, 0o700))
    await t.rejects(directoryStore(root).put('x', Buffer.from('x'), signal), failing('denied'))
  },
)

t.test('only files are objects', async (t) => {
  const root = t.testdir({ link: t.fixture('symlink', '/etc/hostname') })
  await mkdir(join(root, 'empty folder'))
  await writeFile(join(root, 'object'), 'x')
  const listed = await Array.fromAsync(directoryArchive(root).list('', signal))
  t.same(
    listed.map(({ key }) => key),
    ['object'],
  )
})

t.test('what root makes belongs to the owner of the directory, or the daemon could not write beside it', async (t) => {
  if (process.getuid?.() !== 0) return void t.pass('owner', { skip: 'only root can give files away' })
  const root = t.testdir()
  await chown(root, 12_345, 12_346)
  await directoryStore(root).put('v1/hosts/a/b', Buffer.from('x'), signal)
  for (const made of ['v1', 'v1/hosts', 'v1/hosts/a', '.uploads']) {
    const { uid, gid } = await stat(join(root, made))
    t.strictSame([uid, gid], [12_345, 12_346], made)
  }
})

t.test('a place where no directory can be made is refused', async (t) => {
  await using store = directoryStore('/proc/lastgasp/store')
  await t.rejects(store.put('x', Buffer.from('x'), signal), failing('permanent', /ENOENT/))
})
