import { rmSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { bootBefore } from '../../../../agent/collector/host/boot-before.ts'
import { pstoreSource } from '../../../../agent/collector/sources/pstore/source.ts'
import type { SourceContext } from '../../../../agent/collector/sources/source.ts'
import type { Before } from '../../../../agent/words/evidence.ts'
import { context, host, write } from '../../crashed-cores/cores.ts'
import { looked } from '../../looking.ts'
import { readAll, unhurried } from '../../reading.ts'

const HOUR = 3_600_000
const BEFORE = '2'.repeat(32)

const remembering = (...stored: string[]): Before => ({ id: BEFORE, captured: true, stored })

async function contextOf(root: string, remembered: Before | undefined): Promise<SourceContext> {
  const before = await bootBefore(root, remembered, unhurried())
  return { ...context(root), occasion: { trigger: 'previous-boot', boot: 'previous' }, before }
}

/** A host, started an hour ago, on which these lie, each so many hours old. */
function left(test: Test, files: Readonly<Record<string, readonly [text: string, hours: number]>>): string {
  const root = host(test)
  for (const [path, [text, hours]] of Object.entries(files)) {
    const at = (Date.now() - hours * HOUR) / 1000
    utimesSync(write(root, path, text), at, at)
  }
  return root
}

const LOG =
  '<0>[   88.1] Kernel panic - not syncing: sysrq triggered crash\n<6>[   88.2] root=/dev/vda password=geheim\n'

t.test('what systemd-pstore has put together, and what still lies in the firmware', async (t) => {
  const root = left(t, {
    '/var/lib/systemd/pstore/7001/dmesg.txt': [LOG, 0.9],
    '/var/lib/systemd/pstore/7001/dmesg-erst-7001': ['a part', 0.9],
    '/var/lib/systemd/pstore/7001/002/dmesg.txt': ['an oops', 0.95],
    '/sys/fs/pstore/dmesg-efi-1': ['in the firmware', 1.1],
  })
  const { found, gaps } = await looked(pstoreSource(), await contextOf(root, undefined))
  t.same(gaps, [])
  t.match(found, [
    {
      ...{ name: 'pstore/7001.dmesg.txt.zst', class: 'text', source: 'pstore', phase: 'stored' },
      identity: { path: '/var/lib/systemd/pstore/7001/dmesg.txt', comm: 'kernel' },
    },
    { name: 'pstore/7001.002.dmesg.txt.zst' },
    { name: 'pstore/dmesg-efi-1.txt.zst' },
  ])
  const [log] = found
  const { content, outcome } = await readAll(log)
  t.equal(content.toString(), LOG.replace('geheim', '***'), 'secrets are hidden')
  t.same(outcome, {})
  const cut = await readAll(log, 20)
  t.match(cut.outcome, { truncated: `only its last 20 bytes of ${LOG.length} were read` })
})

t.test(
  'what was stored is not listed again; where nothing is remembered, what is older than the boot before is not',
  async (t) => {
    const files = {
      '/var/lib/systemd/pstore/1/dmesg.txt': ['of the boot before', 0.9],
      '/var/lib/systemd/pstore/0/dmesg.txt': ['of long before', 48],
      '/sys/fs/pstore/dmesg-erst-9': ['of long before', 48],
      '/var/lib/systemd/pstore/x/dmesg.txt': ['too old', 24 * 30],
    } as const
    const root = left(t, files)
    const names = async (remembered: Before | undefined) =>
      (await looked(pstoreSource(), await contextOf(root, remembered))).found.map(({ name }) => name)
    t.same(await names(undefined), ['pstore/1.dmesg.txt.zst'])
    const all = await looked(pstoreSource(), await contextOf(root, remembering()))
    t.same(
      all.found.map(({ name }) => name).sort(),
      ['pstore/0.dmesg.txt.zst', 'pstore/1.dmesg.txt.zst', 'pstore/dmesg-erst-9.txt.zst'],
      'as nobody has stored them',
    )
    t.match(all.gaps, [{ status: 'skipped', reason: /^1 files, older than cores.age = 14d/ }])
    const marks = all.found.map(({ mark }) => mark ?? '')
    t.equal(new Set(marks).size, 3)
    t.same(await names(remembering(...marks)), [])
    t.same(await names(remembering(...marks.slice(1))), [all.found[0]?.name])
    // The kernel makes a new file of the same record at each boot.
    const record = '/sys/fs/pstore/dmesg-erst-9'
    const { mtimeMs } = statSync(join(root, record))
    rmSync(join(root, record))
    write(root, '/sys/fs/pstore/another', 'takes its inode')
    utimesSync(write(root, record, 'of long before'), mtimeMs / 1000, mtimeMs / 1000)
    t.same(await names(remembering(...marks)), ['pstore/another.txt.zst'])
  },
)

t.test('nothing there, and nothing of this boot’s business', async (t) => {
  const nothing = await looked(pstoreSource(), await contextOf(host(t), remembering()))
  t.match(nothing, { found: [], gaps: [{ status: 'absent', reason: /no kernel has left anything in .sys.fs.pstore/ }] })
  t.same(await looked(pstoreSource(), context(host(t))), { found: [], gaps: [] })
})
