import { mkdirSync, promises, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { keepStanding } from '../../../agent/daemon/standing/keep-standing.ts'
import type { Standing } from '../../../agent/daemon/standing/standing.ts'
import { until } from '../processes.ts'

/** ms: several times what lies between a change and the reading of it. */
const A_WHILE_MS = 600
const aWhile = () => new Promise((resolve) => setTimeout(resolve, A_WHILE_MS))

/** A standing and a collector whose renewals and readings end when they are told to, kept while directories change. */
function kept(t: Test, ...more: readonly string[]) {
  const directory = join(t.testdir({ layers: {} }), 'layers')
  const end = new AbortController()
  const began = { renew: 0, reload: 0 }
  const ends: Record<keyof typeof began, () => void> = { renew: () => {}, reload: () => {} }
  const begin = async (what: keyof typeof began) => {
    began[what] += 1
    if (end.signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    ends[what] = resolve
    await promise
  }
  const standing = { renew: () => begin('renew') } as Partial<Standing> as Standing
  const collector = { reload: () => begin('reload') }
  const watched = [directory, ...more].map((directory) => ({ directory, names: undefined }))
  const over = keepStanding(standing, collector, watched, end.signal)
  t.teardown(async () => {
    end.abort()
    for (const what of ['renew', 'reload'] as const) ends[what]()
    await over
  })
  const change = () => writeFileSync(join(directory, 'layer.toml'), `${Math.random()}`)
  return { began, ends, change, directory }
}

for (const hanging of ['renew', 'reload'] as const)
  t.test(`what changes while the ${hanging} is under way begins no other beside it, and is read after`, async (t) => {
    const { began, ends, change } = kept(t)
    await until(() => began.renew === 1, 'a first reading, for what came before the watch')
    const other = hanging === 'renew' ? 'reload' : 'renew'
    ends[other]()
    change()
    await aWhile()
    t.strictSame(began, { renew: 1, reload: 1 })
    ends[hanging]()
    await until(() => began.renew === 2, 'what was changed to be read')
    t.equal(began.reload, 2)
  })

t.test('a directory that hangs keeps nobody from what is heard of the others', async (t) => {
  const real = promises.stat
  const hanging = ((path: string) => (path === '/hangs' ? new Promise<never>(() => {}) : real(path))) as typeof real
  const replace = (stat: typeof real) => {
    promises.stat = stat
    syncBuiltinESMExports()
  }
  replace(hanging)
  t.teardown(() => replace(real))
  const { began } = kept(t, '/hangs')
  await until(() => began.renew === 1, 'a first reading')
  t.equal(began.reload, 1)
})

t.test('one change is read once, and nothing while nothing changes', async (t) => {
  const { began, ends, change, directory } = kept(t)
  const read = () => {
    ends.renew()
    ends.reload()
  }
  await until(() => began.renew === 1, 'a first reading')
  read()
  await aWhile()
  mkdirSync(join(directory, 'other'))
  change()
  await until(() => began.renew === 2, 'the change to be read')
  read()
  await aWhile()
  t.strictSame(began, { renew: 2, reload: 2 })
})
