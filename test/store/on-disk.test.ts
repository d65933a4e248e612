import { type PathLike, promises } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { makeDirectory, publish } from '../../agent/store/directory/durable.ts'
import { directoryStore } from '../../agent/store/directory/store.ts'
import { openStore } from '../../agent/store/open.ts'
import { failing } from '../contract/failing.ts'

const signal = AbortSignal.timeout(60_000)
const s3 = { region: 'x', endpoint: undefined, addressing: 'path', owner: undefined, checksums: 'supported' } as const

type Open = typeof promises.open

/** Has files opened by `by`, which has the real way, until the test ends. */
function opening(t: Test, by: (real: Open) => Open): void {
  const real = promises.open
  const replace = (open: Open) => {
    promises.open = open
    syncBuiltinESMExports()
  }
  replace(by(real))
  t.teardown(() => replace(real))
}

/** Tells, in order, which files and directories have been forced onto the disk, which takes a moment. */
function syncs(t: Test): readonly string[] {
  const synced: string[] = []
  opening(t, (real) => async (path: PathLike, ...rest) => {
    const file = await real(path, ...rest)
    const sync = file.sync.bind(file)
    file.sync = async () => {
      await new Promise((resolve) => setTimeout(resolve, 50))
      await sync()
      synced.push(String(path))
    }
    return file
  })
  return synced
}

t.test('a directory is on the disk when it is made, and so are those above it', async (t) => {
  const root = t.testdir()
  const synced = syncs(t)
  await makeDirectory(join(root, 'a/b'))
  t.strictSame(synced, [join(root, 'a'), root])
  await makeDirectory(join(root, 'a/b'))
  t.equal(synced.length, 2, 'what was there needs nothing')
})

t.test('a name is on the disk when it is given, and so is what it names', async (t) => {
  const root = t.testdir({ one: 'one', store: { '.uploads': {} } })
  const synced = syncs(t)
  await publish(join(root, 'one'), join(root, 'name'))
  t.strictSame(synced, [root])
  await directoryStore(join(root, 'store')).put('object', Buffer.from('x'), signal)
  t.match(synced[1], /\.uploads\/[0-9a-f]{16}\.put$/)
  t.equal(synced[2], join(root, 'store'))
})

t.test('what is begun is there, with its key and no bytes', async (t) => {
  const root = t.testdir()
  const real = promises.writeFile
  const replace = (writeFile: typeof real) => {
    promises.writeFile = writeFile
    syncBuiltinESMExports()
  }
  // Takes a moment: nothing of it may still be on its way when it is said to be there.
  replace(async (...args) => {
    await new Promise((resolve) => setTimeout(resolve, 50))
    await real(...args)
  })
  t.teardown(() => replace(real))
  await directoryStore(root).begin('v1/core', signal)
  const [name = ''] = await readdir(join(root, '.uploads'))
  t.equal(await readFile(join(root, '.uploads', name, 'key'), 'utf8'), 'v1/core')
  t.equal((await stat(join(root, '.uploads', name, 'data'))).size, 0)
})

t.test('a put has left nothing of its own, whether it worked or not', async (t) => {
  const root = t.testdir({ taken: 'x' })
  const store = directoryStore(root)
  for (let round = 0; round < 20; round++) {
    await store.put(`new-${round}`, Buffer.from('x'), signal)
    await t.rejects(store.put('taken', Buffer.from('y'), signal), failing('exists'))
    t.strictSame(await readdir(join(root, '.uploads')), [])
  }
})

t.test('a disk is tried four times: descriptors may come back', async (t) => {
  const root = t.testdir()
  let tries = 0
  opening(t, (real) => async (path: PathLike, ...rest) => {
    if (!String(path).endsWith('.put')) return await real(path, ...rest)
    tries += 1
    throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' })
  })
  await using store = await openStore(pathToFileURL(root).href, s3, signal)
  await t.rejects(store.put('x', Buffer.from('x'), signal), failing('transient', /EMFILE/))
  t.equal(tries, 4)
})
