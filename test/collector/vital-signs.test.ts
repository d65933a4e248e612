import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { newPatients } from '../../agent/collector/processes/patients.ts'
import { vitalSigns } from '../../agent/collector/vital-signs.ts'
import { noEvidence } from '../../agent/findings/evidence.ts'
import { RULES } from '../../agent/findings/rules.ts'
import { signsIn } from '../../agent/findings/signs.ts'
import { from, writeJournal } from './host/journal/write-journal.ts'
import { unhurried } from './reading.ts'

const BOOT = '33333333333343338333333333333333'
const JOURNAL = 'var/log/journal/11111111111111111111111111111111/system.journal'
/** Of the first entry that writeJournal writes. */
const LOGGED = 1_700_000_000_000

const MOUNTS = [
  '24 1 8:1 / / rw shared:1 - ext4 /dev/vda1 rw',
  '30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw',
].join('\n')
const GROUP = 'sys/fs/cgroup/system.slice/shop.service'
const WELL: Readonly<Record<string, string>> = {
  'proc/sys/kernel/random/boot_id': `${BOOT}\n`,
  'proc/loadavg': '0.10 0.10 0.10 1/120 4711\n',
  'proc/sys/kernel/pid_max': '4194304\n',
  'proc/sys/kernel/threads-max': '7000\n',
  'proc/sys/fs/file-nr': '900\t0\t100000\n',
  'proc/self/mountinfo': `${MOUNTS}\n`,
  'proc/sys/net/ipv4/ip_local_port_range': '32768\t60999\n',
  'proc/net/sockstat': 'sockets: used 90\nTCP: inuse 4 orphan 0 tw 2 alloc 9 mem 1\nUDP: inuse 2 mem 1\n',
  'proc/7/stat': '7 (shop) S 1 1 1 0 -1 4194304 0 0 0 0 10 5 0 0 20 0 1 0 4711 4096000 100\n',
  'proc/7/status': 'Name:\tshop\nFDSize:\t256\n',
  'proc/7/cgroup': '0::/system.slice/shop.service\n',
  'proc/7/limits': 'Max open files            1024                 524288               files     \n',
  [`${GROUP}/pids.max`]: '100\n',
  [`${GROUP}/pids.current`]: '1\n',
}

function host(test: Test, files: Readonly<Record<string, string | Buffer | undefined>> = {}): string {
  // A socket's path has 107 bytes.
  const root = mkdtempSync(join(tmpdir(), 'lastgasp-test-'))
  test.teardown(() => rmSync(root, { recursive: true }))
  for (const [path, content] of Object.entries({ ...WELL, ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    if (content !== undefined) writeFileSync(join(root, path), content)
  }
  return root
}

async function signsOf(root: string, began = Date.now()) {
  const session = { patients: newPatients(root), began }
  const { evidence, unseen } = await vitalSigns(root, session, [], 60_000, unhurried())
  const found = signsIn({ ...noEvidence(began), ...evidence }, RULES)
  // The disk of the tests is what it is.
  const told = found.filter(({ rule }) => rule !== 'space' && rule !== 'inodes').map(({ sentence }) => sentence)
  return { told, unseen: unseen.map(({ place, why }) => `${place} ${why}`) }
}

t.test('a host that is well, and one of which that cannot be told', async (t) => {
  t.same(await signsOf(host(t)), { told: [], unseen: [] })
  const root = host(t)
  for (const path of ['proc/loadavg', 'proc/self/mountinfo']) rmSync(join(root, path))
  t.same((await signsOf(root)).unseen, ['the limits could not be read', 'the file systems could not be read'])
  const refusing = await signsOf(host(t, { 'run/systemd/private': 'no socket', 'run/dbus/system_bus_socket': 'none' }))
  t.same(refusing.unseen, ['systemd did not say which units have failed'])
})

t.test('what has run out', async (t) => {
  t.same((await signsOf(host(t, { 'proc/loadavg': '9 9 9 1/6990 4711\n' }))).told, [
    'The host has no more process ids: 6990 of 7000 are in use.',
  ])
  t.same((await signsOf(host(t, { 'proc/sys/fs/file-nr': '99000\t0\t100000\n' }))).told, [
    'The host has no more open files: 99000 of 100000 are in use.',
  ])
  const full = { [`${GROUP}/pids.current`]: '100\n', [`${GROUP}/pids.events`]: 'max 3\n' }
  t.same((await signsOf(host(t, full))).told, [
    'shop.service has all the tasks that it may have: 100 of 100, and 3 more were refused.',
  ])
  const tracked = { nf_conntrack_count: '1000\n', nf_conntrack_max: '1000\n' }
  const table = Object.fromEntries(
    Object.entries(tracked).map(([name, text]) => [`proc/sys/net/netfilter/${name}`, text]),
  )
  t.same((await signsOf(host(t, table))).told, [
    'No more connections can be tracked, and packets are dropped: 1000 of 1000 are in use.',
  ])
})

t.test('descriptors of a process: its table is large, its limit near, and they are as many', async (t) => {
  const limits = 'Max open files            256                  524288               files     \n'
  const open = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, number) => [`proc/7/fd/${number}`, '']))
  // The size of a directory on this disk is not what the kernel says of that one.
  const counted = async (files: Readonly<Record<string, string>>) => {
    const { told } = await signsOf(host(t, { 'proc/7/limits': limits, ...files }))
    return told.filter((line) => line.includes('descriptors')).length
  }
  t.equal(await counted(open(256)), 1)
  t.equal(await counted({ ...open(256), 'proc/7/status': 'FDSize:\t64\n' }), 0, 'a small table has no room for as many')
})

t.test('ports are counted by peer, and only where there are as many sockets', async (t) => {
  const socket = (port: number, peer: string) =>
    `   1: 0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} ${peer}:0050 06 00000000:00000000 00:00000000 00000000     0        0 1 1\n`
  const sockets = (peer: (port: number) => string) =>
    Array.from({ length: 100 }, (_, index) => socket(40_000 + index, peer(index))).join('')
  const range = { 'proc/sys/net/ipv4/ip_local_port_range': '40000\t40099\n' }
  const many = { 'proc/net/sockstat': 'TCP: inuse 4 orphan 0 tw 96 alloc 9 mem 1\n' }
  const told = async (table: string, more = many) =>
    (await signsOf(host(t, { ...range, ...more, 'proc/net/tcp': table }))).told
  t.same(await told(sockets(() => '0200000A')), [
    'There are no more local ports towards one peer: 100 of 100 are in use.',
  ])
  t.same(await told(sockets((index) => `02000${100 + index}`)), [], 'of many peers')
  t.same(
    await told(
      sockets(() => '0200000A'),
      { 'proc/net/sockstat': 'TCP: inuse 4 orphan 0 tw 2 alloc 9 mem 1\n' },
    ),
    [],
  )
})

t.test('what services say, and not what users do', async (t) => {
  const say = (unit: string) => ['MESSAGE=Temporary failure in name resolution', ...from(unit, 0)]
  const lines = [...Array(3).fill(say('shop.service')), ...Array(9).fill(say('session-4.scope'))]
  const others = [...Array(9).fill(say('user@1000.service')), ...Array(9).fill(say('lastgasp.service'))]
  const told = async (boot: string, began: number) =>
    (await signsOf(host(t, { [JOURNAL]: writeJournal([...lines, ...others], boot) }), began)).told
  const said = ['shop.service could not resolve names, as it has said 3 times within ten minutes.']
  t.same(await told(BOOT, LOGGED + 60_000), said)
  t.same(await told('4'.repeat(32), LOGGED + 60_000), [], 'in another boot')
  t.same(await told(BOOT, LOGGED + 3_600_000), [], 'an hour ago')
})
