import { EventEmitter } from 'node:events'
import { type FSWatcher, mkdirSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Begin, DirectoryWatch } from '../../../agent/daemon/standing/watch.ts'
import { until } from '../processes.ts'

/** A watch for `a/b` below a directory of the test, and how often it has called. */
function watchOf(test: Test, names?: string[], begin?: Begin) {
  const root = test.testdir()
  let calls = 0
  const watched = { directory: join(root, 'a/b'), names: names && new Set(names) }
  const watch = new DirectoryWatch(watched, () => void calls++, begin)
  test.teardown(() => watch[Symbol.dispose]())
  return {
    watch,
    at: (path: string) => join(root, path),
    /** Does something, and waits until it was heard. */
    heard: async (what: string, act: () => Promise<unknown>) => {
      const before = calls
      await act()
      await until(() => calls > before, `a call after ${what}`)
      await watch.arm()
    },
    calls: () => calls,
  }
}

t.test('a directory that comes, is written to, goes, and is replaced', async (t) => {
  const { watch, at, heard } = watchOf(t)
  await watch.arm()
  await heard('its parent came', () => mkdir(at('a')))
  await heard('it came', () => mkdir(at('a/b')))
  await heard('a file came', () => writeFile(at('a/b/x'), ''))
  await heard('the file changed', () => writeFile(at('a/b/x'), 'x'))
  await heard('the file took the place of another', () => rename(at('a/b/x'), at('a/b/y')))
  await heard('it went, and all above it', () => rm(at('a'), { recursive: true }))
  await heard('it came again', () => mkdir(at('a/b'), { recursive: true }))
  await heard('a file came again', () => writeFile(at('a/b/x'), ''))
  await mkdir(at('c'))
  await heard('another came in its place', async () => {
    await rename(at('a/b'), at('old'))
    await rename(at('c'), at('a/b'))
  })
  await heard('a file came there', () => writeFile(at('a/b/z'), ''))
  t.pass('all of it was heard')
})

t.test('what comes while it is looked for is not missed', async (t) => {
  const { watch, at, heard } = watchOf(t)
  for (let round = 0; round < 30; round++) {
    const arming = watch.arm()
    mkdirSync(at('a/b'), { recursive: true })
    await Promise.all([arming, watch.arm()])
    await heard(`a file came in round ${round}`, () => writeFile(at('a/b/x'), ''))
    await rm(at('a'), { recursive: true })
    await watch.arm()
  }
  t.pass('none was')
})

t.test('what has nothing to do with it is not heard', async (t) => {
  const { watch, at, heard, calls } = watchOf(t, ['x'])
  await mkdir(at('a/b'), { recursive: true })
  await watch.arm()
  const before = calls()
  await writeFile(at('a/b/other'), '')
  await writeFile(at('a/other'), '')
  await heard('the file that matters came', () => writeFile(at('a/b/x'), ''))
  // Creating it is one event, and opening it for writing may be another.
  t.ok(calls() - before <= 3, `${calls() - before} calls`)
})

t.test(
  'a watch that is lost is begun again with the next look, and one that another has replaced is not missed',
  async (t) => {
    const begun: (FSWatcher & { closed?: boolean })[] = []
    const begin: Begin = () => {
      const watcher = Object.assign(new EventEmitter(), { close: () => void Object.assign(watcher, { closed: true }) })
      begun.push(watcher as unknown as FSWatcher)
      return watcher as unknown as FSWatcher
    }
    const { watch, at } = watchOf(t, undefined, begin)
    await mkdir(at('a/b'), { recursive: true })
    await watch.arm()
    await watch.arm()
    t.equal(begun.length, 1)
    begun[0]?.emit('error', new Error('it is gone'))
    t.ok(begun[0]?.closed)
    await watch.arm()
    t.equal(begun.length, 2)
    begun[0]?.emit('error', new Error('it is gone'))
    await watch.arm()
    t.equal(begun.length, 2)
  },
)

t.test('of what is heard, the names that matter count, and the directory itself', async (t) => {
  const hears = new Map<string, (event: string, name: string | null) => void>()
  const begin: Begin = (path, heard) => {
    hears.set(path, heard)
    return Object.assign(new EventEmitter(), {
      close: () => {},
      ref: () => {},
      unref: () => {},
    }) as unknown as FSWatcher
  }
  const { watch, at, calls } = watchOf(t, ['x'], begin)
  await mkdir(at('a/b'), { recursive: true })
  await watch.arm()
  const after = (name: string | null) => {
    const before = calls()
    hears.get(at('a/b'))?.('rename', name)
    return calls() - before
  }
  t.strictSame(['other', 'x', 'b', null, 'bb'].map(after), [0, 1, 1, 1, 0])
})

t.test('where the kernel gives no watch, nothing is thrown, and it is tried again with the next look', async (t) => {
  let tries = 0
  const none: Begin = () => {
    tries += 1
    throw Object.assign(new Error('System limit for number of file watchers reached'), { code: 'ENOSPC' })
  }
  const { watch, calls } = watchOf(t, undefined, none)
  await watch.arm()
  await watch.arm()
  t.strictSame([tries, calls()], [2, 0])
})
