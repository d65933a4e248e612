import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { type Manifest, manifestSchema } from '../../agent/bundle/schema.ts'
import { writeJournal } from '../collector/host/journal/write-journal.ts'
import { lastgasp } from '../commands/lastgasp.ts'
import { hostOf, until } from './processes.ts'

const MACHINE = '1'.repeat(32)
const [FIRST, SECOND, THIRD] = ['2', '3', '4'].map((digit) => digit.repeat(32)) as [string, string, string]
const LOG = '<0>[   88.1] Kernel panic - not syncing: sysrq triggered crash\n'

// Longer than a runner allows by itself, for machines that do much else.
t.setTimeout(300_000)

t.test('a host that panics, comes up again, is shut down, and comes up again', async (t) => {
  const host = await hostOf(t)
  const [root, state] = ['root', 'state'].map((name) => join(host.directory, name)) as [string, string]
  const put = (path: string, content: string | Buffer) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  const bootsAs = (id: string) => put('proc/sys/kernel/random/boot_id', `${id}\n`)
  mkdirSync(state)
  put('etc/machine-id', `${MACHINE}\n`)
  put('proc/stat', `btime ${Math.floor(Date.now() / 1000) - 60}\n`)
  put('proc/uptime', '60.00 60.00\n')
  bootsAs(FIRST)
  const collector = host.collector('--root', root, '--set', 'seal.unsealed="allow"')
  const remembered = () =>
    existsSync(join(state, 'remembered.json')) ? readFileSync(join(state, 'remembered.json'), 'utf8') : ''
  const dealtWith = (id: string) =>
    until(() => remembered().includes(`"id":"${id}","captured":false},"stored"`), `${id}`)
  const manifests = (): Manifest[] => {
    const folder = join(host.bucket, 'v1/hosts/host-1')
    const bundles = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => name !== 'checks')
    return bundles.map(({ name }) =>
      manifestSchema.parse(JSON.parse(readFileSync(join(folder, name, 'manifest.json'), 'utf8'))),
    )
  }

  const first = host.daemon('--root', root, '--state', state)
  await dealtWith(FIRST)
  first.child.kill('SIGKILL')
  await first.ended()

  bootsAs(SECOND)
  put('var/lib/systemd/pstore/7/dmesg.txt', LOG)
  put(`var/log/journal/${MACHINE}/system@1.journal~`, writeJournal([['MESSAGE=last words']], FIRST))
  const second = host.daemon('--root', root, '--state', state)
  await dealtWith(SECOND)
  t.match(second.said(), /panic: The kernel panicked as it was told to by sysrq.*complete bundle of the boot before: /)
  const [panic] = manifests()
  t.match(panic, {
    trigger: 'previous-boot',
    why: 'panic',
    status: 'complete',
    about: { bootId: FIRST },
    host: { bootId: SECOND },
  })
  t.match(
    panic?.receipts
      .filter(({ status }) => status === 'complete')
      .map(({ source }) => source)
      .sort(),
    ['journal', 'pstore'],
  )
  const store = ['--store', pathToFileURL(host.bucket).href]
  const shown = await lastgasp(['show', 'latest', ...store])
  t.match(shown.stdout, /all of this is of the boot before\npanic +The kernel panicked as it was told to by sysrq, /)
  t.match(shown.stdout, new RegExp(`about +the boot before this one, ${FIRST}`))
  t.match((await lastgasp(['list', ...store])).stdout, /complete +panic before/)
  const to = join(host.directory, 'fetched')
  const fetched = await lastgasp(['fetch', 'latest', '--to', to, ...store])
  t.equal(fetched.code, 0, `${fetched.stdout}${fetched.stderr}`)
  t.equal(readFileSync(join(to, 'root/var/lib/systemd/pstore/7/dmesg.txt'), 'utf8'), LOG)
  const journals = readdirSync(join(to, `root/var/log/journal/${MACHINE}`))
  t.match(journals, ['system@1.journal~'])
  second.child.kill('SIGTERM')
  t.equal(await second.ended(), 'SIGTERM')
  t.match(JSON.parse(remembered()), { boot: { id: SECOND, captured: true, bundle: /^2/ }, stored: [/^[0-9a-f]{16}$/] })

  bootsAs(THIRD)
  const third = host.daemon('--root', root, '--state', state)
  await dealtWith(THIRD)
  t.same(
    manifests()
      .map(({ trigger }) => trigger)
      .sort(),
    ['previous-boot', 'shutdown'],
    'nothing is told of a clean reboot',
  )
  t.notMatch(third.said(), /of the boot before/)
  collector.child.kill('SIGTERM')
})
