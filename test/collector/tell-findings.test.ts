import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import type { HoldLock } from '../../agent/collector/hold-lock.ts'
import type { Found } from '../../agent/collector/sources/source.ts'
import { buildersRules } from '../../agent/findings/builders/rules.ts'
import { collectorAt } from '../../agent/wall/client.ts'
import type { Occasion } from '../../agent/words/evidence.ts'
import { chunks, collectorOf, item, source } from './synthetic.ts'

const OCCASION: Occasion = { trigger: 'shutdown', boot: 'this' }
const soon = () => AbortSignal.timeout(20_000)
/** A host that has no more tasks. */
const FULL: Readonly<Record<string, string>> = {
  'proc/loadavg': '9 9 9 1/990 4711\n',
  'proc/sys/kernel/pid_max': '1000\n',
  'proc/sys/fs/file-nr': '9\t0\t100\n',
  'proc/self/mountinfo': '24 1 8:1 / / rw - overlay none rw\n',
}

/** What a collector tells of it, of which this is the hold. */
async function told(test: Parameters<typeof collectorOf>[0], hold: { held: boolean; problem?: string } | undefined) {
  const { socket, desk } = await collectorOf(test, [], {}, hold as HoldLock | undefined)
  const write = (files: Readonly<Record<string, string>>) => {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(desk.root, path)), { recursive: true })
      writeFileSync(join(desk.root, path), content)
    }
  }
  write(FULL)
  const open = async () => {
    const session = await collectorAt(socket).open(OCCASION, 4000, soon())
    return async () => (await session.findings(4000, soon())).map(({ rule, sentence }) => rule ?? sentence)
  }
  return { asked: await open(), open, write, desk }
}

t.test('what a host suffers from is what it was when it was asked first', async (t) => {
  const hold = { held: true }
  const { asked, open, write, desk } = await told(t, hold)
  t.equal((await asked())[0], 'pids')
  hold.held = false
  write({ 'proc/loadavg': '9 9 9 1/9 4711\n' })
  t.equal((await asked())[0], 'pids', 'others are being stopped meanwhile')
  t.equal((await (await open())())[0], 'pids', 'and for a session that was opened since')
  const attending = new AbortController()
  Object.assign(hold, { acquire: () => (hold.held = true), release: () => (hold.held = false) })
  const attended = collectorAt(join(desk.root, 's')).attend(() => attending.abort(), attending.signal)
  await t.rejects(attended)
  hold.held = false
  t.notOk((await (await open())()).includes('pids'), 'of another shutdown it tells nothing')
})

t.test('it is too late to begin once applications were let go', async (t) => {
  const late = 'Whether anything had hung is not known: the processes were not looked at before they were let go.'
  const gone = await (await told(t, { held: false })).asked()
  t.ok(gone.includes(late))
  t.notOk(gone.includes('pids'))
  const never = await (await told(t, { held: false, problem: 'it could not be had' })).asked()
  t.equal(never[0], 'pids', 'who was never held is not let go')
  t.equal((await (await told(t, undefined)).asked())[0], 'pids', 'nor is anybody by hand')
})

t.test('rules of the image’s builder speak behind ours', async (t) => {
  const { asked, write, desk } = await told(t, undefined)
  const rule = '[rules.many-tasks]\nkind = "exhausted"\nsentence = "x"\nfile = "/proc/loadavg"\nabove = 5\n'
  Object.assign(desk, { builders: { rules: buildersRules(rule), problems: ['a: b'] } })
  t.strictSame((await asked()).slice(0, 2), ['pids', 'many-tasks'])
  write({})
  t.match((await collectorAt(join(desk.root, 's')).health(soon())).problems, ['a: b'])
})

t.test(
  'a panic of the boot before, by what its kernel left in pstore and what kdump has read of its log',
  async (t) => {
    const said = 'Kernel panic - not syncing: hung_task: blocked tasks'
    const left = (from: 'pstore' | 'cores', name: string, text: string, encoding: 'frames' | 'as-is' = 'frames') =>
      item(name, () => chunks(text), { source: from, encoding, identity: { at: 1_700_000_000_000 } })
    const dmesg = 'cores/202611301200.dmesg.202611301200.zst'
    const asked = async (pstore: Found[], cores: Found[]) => {
      const { socket } = await collectorOf(t, [source('pstore', pstore), source('cores', cores)])
      const session = await collectorAt(socket).open({ trigger: 'previous-boot', boot: 'previous' }, 4000, soon())
      const [first] = await session.findings(4000, soon())
      return [first?.kind, first?.boot, ...(first?.evidence ?? []).map(({ artifact }) => artifact)]
    }
    t.same(await asked([left('pstore', 'pstore/1.txt.zst', `<0>[ 9.0] ${said}`)], []), [
      'panic',
      'this',
      'pstore/1.txt.zst',
    ])
    t.same(await asked([], [left('cores', dmesg, `[ 9.0] ${said}`)]), ['panic', 'this', dmesg])
    // Others may be called so, and what is compressed is not read.
    const others = [left('cores', 'cores/app.core.zst', `[ 9.0] ${said}`), left('cores', dmesg, said, 'as-is')]
    t.same((await asked([], others))[0], 'unknown')
  },
)
