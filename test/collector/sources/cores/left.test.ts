import { utimesSync } from 'node:fs'
import t from 'tap'
import { bootBefore } from '../../../../agent/collector/host/boot-before.ts'
import { openSystem } from '../../../../agent/collector/host/ffi.ts'
import { coresSource } from '../../../../agent/collector/sources/cores/source.ts'
import type { Before } from '../../../../agent/words/evidence.ts'
import { BOOT, COREDUMPS, context, coredumpName, host, write } from '../../crashed-cores/cores.ts'
import { looked } from '../../looking.ts'
import { readAll, unhurried } from '../../reading.ts'

const HOUR = 3_600_000
const BEFORE = '2'.repeat(32)
const remembering = (...stored: string[]): Before => ({ id: BEFORE, captured: true, stored })

/** A host, started an hour ago, with a core of each boot and what kdump left two hours ago. */
function crashed(test: Parameters<typeof host>[0]): string {
  const root = host(test)
  const old = { boot: BEFORE, ago: 2 * HOUR }
  write(root, `${COREDUMPS}/${coredumpName('now', 1, { boot: BOOT })}.zst`, 'of this boot')
  const paths = [
    write(root, `${COREDUMPS}/${coredumpName('then', 2, old)}.zst`, 'of the boot before'),
    write(root, `${COREDUMPS}/${coredumpName('long', 3, { ...old, boot: '4'.repeat(32) })}.zst`, 'of long ago'),
    write(
      root,
      '/var/crash/202611301200/dmesg.202611301200',
      '[    1.0] Kernel panic - not syncing: Fatal exception\n',
    ),
    write(root, '/var/crash/202611301200/dump.202611301200', 'memory'),
  ]
  const at = (Date.now() - 1.5 * HOUR) / 1000
  for (const path of paths) utimesSync(path, at, at)
  return root
}

async function left(root: string, remembered: Before | undefined) {
  const before = await bootBefore(root, remembered, unhurried())
  const occasion = { trigger: 'previous-boot', boot: 'previous' } as const
  return await looked(coresSource(openSystem()), { ...context(root), occasion, before })
}

const KDUMP = ['cores/202611301200.dmesg.202611301200.zst', 'cores/202611301200.dump.202611301200.zst']

t.test('what earlier boots have left and nobody has stored, and nothing of this one', async (t) => {
  const root = crashed(t)
  const all = await left(root, remembering())
  const names = (found: typeof all.found) => found.map(({ name }) => name).sort()
  t.same(names(all.found), [...KDUMP, 'cores/long.3.core.zst', 'cores/then.2.core.zst'])
  t.same(all.gaps, [])
  const then = all.found.find(({ name }) => name === 'cores/then.2.core.zst')
  t.equal((await readAll(then)).content.toString(), 'of the boot before')
  const others = all.found.filter((item) => item !== then).map(({ mark }) => mark ?? '')
  t.same(names((await left(root, remembering(...others))).found), ['cores/then.2.core.zst'])
  const nothing = await left(root, remembering(...others, then?.mark ?? ''))
  t.match(nothing, { found: [], gaps: [{ status: 'absent', reason: /no core of an earlier boot was found/ }] })
  write(root, then?.identity.path ?? '', 'written anew, and longer')
  t.same(names((await left(root, remembering(...others, then?.mark ?? ''))).found), ['cores/then.2.core.zst'])
})

t.test('where nothing is remembered, what the boot before has left', async (t) => {
  const root = crashed(t)
  const { found } = await left(root, undefined)
  // Which boot that was, no journal tells: a core that says which it is of is of none.
  t.same(found.map(({ name }) => name).sort(), KDUMP)
})

t.test('a capture of this boot has the same marks', async (t) => {
  const root = crashed(t)
  const marks = (found: readonly { name: string; mark?: string }[]) =>
    Object.fromEntries(found.map(({ name, mark }) => [name, mark]))
  const now = marks((await looked(coresSource(openSystem()), context(root))).found)
  t.match(now, marks((await left(root, remembering())).found))
  t.match(Object.values(now), [/^[0-9a-f]{16}$/])
})
