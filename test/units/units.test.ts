import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import t from 'tap'
import { loadSettings } from '../../agent/settings/layers.ts'
import { COLLECTOR_SOCKET } from '../../agent/wall/wire.ts'
import { dropIns } from '../../scripts/image/drop-ins.ts'
import { parseUnit, type Unit } from './parse-unit.ts'

const TREE = join(import.meta.dirname, '../../units')
const SYSTEM = join(TREE, 'usr/lib/systemd/system')
const OURS = [
  'lastgasp.service',
  'lastgasp-collector.service',
  'lastgasp-hold.service',
  'lastgasp-cores.service',
] as const
/** What the bake step writes drop-ins for. */
const BAKED: readonly string[] = ['lastgasp.service', 'lastgasp-collector.service', 'lastgasp-hold.service']
const PROCESSES = ['lastgasp.service', 'lastgasp-collector.service'] as const

const read = (path: string) => readFileSync(join(SYSTEM, path), 'utf8')
const units = Object.fromEntries(OURS.map((unit) => [unit, parseUnit(read(unit))])) as Record<
  (typeof OURS)[number],
  Unit
>
const {
  'lastgasp.service': daemon,
  'lastgasp-collector.service': collector,
  'lastgasp-hold.service': hold,
  'lastgasp-cores.service': cores,
} = units

/** All values of a list such as After=, in one. */
const list = (unit: Unit, key: string) =>
  (unit[key] ?? []).flatMap((value) => value.split(/\s+/)).filter((word) => word !== '')

t.test('every unit is stopped at shutdown, and at nothing else', (t) => {
  for (const [name, unit] of Object.entries(units)) {
    t.same(unit.DefaultDependencies, ['no'], name)
    t.ok(list(unit, 'Conflicts').includes('shutdown.target') && list(unit, 'Before').includes('shutdown.target'), name)
    t.same(unit.RefuseManualStop, ['yes'], name)
    t.same(unit.IgnoreOnIsolate, ['yes'], name)
    // A stop of what is required would be a stop of us.
    for (const key of ['Requires', 'BindsTo', 'PartOf', 'Requisite']) t.equal(unit[key], undefined, `${name}: ${key}=`)
    t.equal(readlinkSync(join(SYSTEM, 'sysinit.target.wants', name)), `../${name}`, 'starts early')
  }
  t.end()
})

t.test('nor can what they are in be stopped by hand, which would stop them', (t) => {
  const slice = parseUnit(read('lastgasp.slice'))
  t.same(slice.RefuseManualStop, ['yes'])
  t.notSame(slice.DefaultDependencies, ['no'], 'it ends after what is in it')
  // Directly below the root slice, which systemd never stops: there is none between to be stopped.
  for (const unit of Object.values(units)) t.ok(['lastgasp.slice', undefined].includes(unit.Slice?.[0]))
  t.end()
})

t.test('the environment file is the daemon’s to read, and nobody else’s', (t) => {
  t.equal(daemon.EnvironmentFile, undefined, 'systemd would read it at the start only')
  const rule = readFileSync(join(TREE, 'usr/lib/tmpfiles.d/lastgasp-environment.conf'), 'utf8')
  t.match(rule, /^z \/etc\/lastgasp\/environment 0640 root lastgasp -$/m)
  t.end()
})

t.test('the order: what the daemon needs outlives it, and it waits for nobody', (t) => {
  const needs = [
    'lastgasp-collector.service',
    'sysinit.target',
    'basic.target',
    'network.target',
    'nss-lookup.target',
    'dbus.service',
  ]
  t.same(list(daemon, 'After'), needs)
  for (const unit of [daemon, collector]) {
    const ordered = [...list(unit, 'After'), ...list(unit, 'Before')]
    for (const late of ['lastgasp-hold.service', 'multi-user.target', 'network-online.target'])
      t.notOk(ordered.includes(late), late)
  }
  t.same(list(hold, 'After'), ['multi-user.target', 'network-online.target', 'remote-fs.target'])
  t.same(list(hold, 'Before'), ['shutdown.target'])
  t.end()
})

t.test('every service and scope waits for the hold, but not our own', (t) => {
  for (const type of ['service', 'scope']) {
    t.same(parseUnit(read(`${type}.d/50-lastgasp.conf`)), { Before: ['lastgasp-hold.service'] })
  }
  const [dropIn] = readdirSync(join(SYSTEM, 'service.d'))
  for (const unit of OURS) t.equal(readlinkSync(join(SYSTEM, `${unit}.d`, dropIn ?? '')), '/dev/null', unit)
  t.end()
})

t.test('the hold ends by itself before systemd ends it', (t) => {
  const baked = parseUnit(
    dropIns({ deadline: 1, holdWait: 600_000, store: undefined, libraries: false })['lastgasp-hold.service'] ?? '',
  )
  for (const unit of [hold, baked]) {
    const wait = Number(/--wait (\S+)/.exec(unit.ExecStop?.at(-1) ?? '')?.[1])
    t.ok(wait < Number.parseInt(unit.TimeoutStopSec?.[0] ?? '', 10), `${wait} s`)
  }
  t.equal(baked.ExecStop?.[0], '', 'in place of the unit’s own, which would run too')
  t.equal(baked.ExecStop?.[1]?.replace('--wait 600', '--wait 10'), hold.ExecStop?.[0])
  t.end()
})

t.test('units without drop-ins agree with the default settings', async (t) => {
  const { settings } = await loadSettings({ root: TREE }, AbortSignal.timeout(60_000))
  const baked = dropIns({
    deadline: settings.deadline,
    holdWait: settings.hold.wait,
    store: settings.store,
    libraries: false,
  })
  t.same(parseUnit(baked['lastgasp.service'] ?? '').TimeoutStopSec, daemon.TimeoutStopSec)
  t.same(parseUnit(baked['lastgasp-hold.service'] ?? '').TimeoutStopSec, hold.TimeoutStopSec)
  t.same(parseUnit(baked['lastgasp-hold.service'] ?? '').ExecStop?.[1], hold.ExecStop?.[0])
  t.equal(settings.store, undefined)
  t.same(settings.seal.recipients, [], 'the shipped settings open nothing')
})

t.test('drop-ins of the bake step win over those of distributions', (t) => {
  for (const [unit, text] of Object.entries(dropIns({ deadline: 1, holdWait: 1, store: undefined, libraries: true }))) {
    t.ok(BAKED.includes(unit))
    t.same(parseUnit(text).TimeoutStopFailureMode, ['kill'], unit)
  }
  t.same(
    Object.keys(dropIns({ deadline: 1, holdWait: 1, store: undefined, libraries: false })).toSorted(),
    BAKED.toSorted(),
  )
  t.end()
})

/** Calls and groups of calls that a unit's filter denies, in order. */
function denied(unit: Unit): readonly string[] {
  const lines = unit.SystemCallFilter ?? []
  return lines.flatMap((line) => (line.startsWith('~') ? line.slice(1).split(/\s+/) : [])).toSorted()
}

/** Of io_uring no call: without the first there is no ring, and one that was handed over is of no use without the others. */
const IO_URING = ['io_uring_enter', 'io_uring_register', 'io_uring_setup']
/** Whole groups that neither needs: systemd-analyze syscall-filter names what is in them. */
const NEITHER = [
  '@clock',
  '@cpu-emulation',
  '@keyring',
  '@module',
  '@mount',
  '@obsolete',
  '@raw-io',
  '@reboot',
  '@swap',
]
const DAEMON_DENIED = [...NEITHER, '@debug', '@privileged', '@resources', ...IO_URING].toSorted()
const COLLECTOR_DENIED = [
  ...[...NEITHER, '@chown', '@setuid', ...IO_URING],
  // Into other processes: their descriptors, their memory, their namespaces.
  ...['pidfd_getfd', 'process_vm_writev', 'userfaultfd', 'setns', 'unshare'],
  // By CAP_SYS_ADMIN or CAP_DAC_READ_SEARCH, whoever a file belongs to.
  ...[
    'fremovexattr',
    'fsetxattr',
    'lremovexattr',
    'lsetxattr',
    'removexattr',
    'setxattr',
    'open_by_handle_at',
    'open_tree',
  ],
  ...['acct', 'bpf', 'fanotify_init', 'perf_event_open', 'quotactl', 'quotactl_fd'],
  ...['setdomainname', 'setfsgid', 'setfsuid', 'sethostname', 'vhangup'],
].toSorted()

t.test('the wall: who reads memory has no network, who has a network reads nothing', (t) => {
  t.same(collector.RestrictAddressFamilies, ['AF_UNIX'])
  t.same(collector.IPAddressDeny, ['any'])
  t.same(list(collector, 'CapabilityBoundingSet'), [
    ...['CAP_SYS_PTRACE', 'CAP_DAC_READ_SEARCH', 'CAP_SYSLOG', 'CAP_SYS_ADMIN', 'CAP_SYS_RAWIO'],
  ])
  t.same(collector.AmbientCapabilities, collector.CapabilityBoundingSet, 'it has them without being root')
  t.same(collector.User, ['lastgasp-collector'])
  t.same(list(collector, 'ReadOnlyPaths'), ['/proc', '/sys'])
  t.same(denied(collector), COLLECTOR_DENIED)
  t.same(denied(daemon), DAEMON_DENIED)
  t.same(collector.LoadCredential, ['lastgasp.toml'], 'no credentials of the store')
  t.same(daemon.User, ['lastgasp'])
  t.same(daemon.CapabilityBoundingSet, [''])
  t.same(daemon.AmbientCapabilities, undefined)
  t.same([hold.User, hold.CapabilityBoundingSet, hold.NoNewPrivileges], [['lastgasp'], [''], ['yes']])
  t.same([hold.RestrictAddressFamilies, hold.IPAddressDeny], [['none'], ['any']])
  t.same(list(hold, 'SystemCallFilter').slice(0, 1), ['@system-service'], 'a list of what is allowed')
  t.same(daemon.ProtectProc, ['invisible'])
  for (const unit of [daemon, collector]) {
    t.same([unit.NoNewPrivileges, unit.ProtectSystem, unit.LimitCORE], [['yes'], ['strict'], ['0']])
    t.same(unit.DevicePolicy, ['closed'])
    for (const breaks of [
      'MemoryDenyWriteExecute',
      'PrivateUsers',
      'PrivateTmp',
      'PrivateDevices',
      'PrivateNetwork',
      'ProtectHostname',
    ])
      t.equal(unit[breaks], undefined, breaks)
  }
  for (const breaks of ['ProtectKernelTunables', 'ProtectKernelLogs', 'ProtectClock', 'ProtectProc', 'ProcSubset']) {
    t.equal(collector[breaks], undefined, breaks)
  }
  t.end()
})

t.test('the collector is not root: what root has to do for it is done by systemd', (t) => {
  const journald = ['file:/run/systemd/journal/io.systemd.journal']
  t.same([collector.StandardInput, collector.StandardOutput], [journald, journald], 'one connection, both ways')
  t.same(collector.StandardError, ['journal'])
  t.same([collector.RuntimeDirectory, collector.Group], [['lastgasp/wall'], ['lastgasp']])
  t.equal(dirname(COLLECTOR_SOCKET), `/run/${collector.RuntimeDirectory}`)
  t.match(hold.ExecStop?.[0], ` /run/${collector.RuntimeDirectory}/hold `)
  const users = readFileSync(join(TREE, 'usr/lib/sysusers.d/lastgasp.conf'), 'utf8')
  for (const { User } of [daemon, collector, hold]) t.match(users, new RegExp(`^u ${User} - `, 'm'))
  const run = readFileSync(join(TREE, 'usr/lib/tmpfiles.d/lastgasp.conf'), 'utf8')
  t.match(run, /^d \/run\/lastgasp 0755 root root -$/m, 'where settings are read from belongs to root')
  t.end()
})

t.test('the switch of core_pattern waits for nobody, and can do little else', (t) => {
  t.same(
    [cores.Type, cores.RemainAfterExit],
    [['oneshot'], ['yes']],
    'active since boot: none can be started at shutdown',
  )
  t.same([cores.After, list(cores, 'Before')], [undefined, ['shutdown.target']], 'its stop is not ordered after others')
  t.same(cores.ExecStart, ['-/usr/lib/lastgasp/cores theirs'], 'after a soft-reboot')
  t.same(cores.ExecStop, ['-/usr/lib/lastgasp/cores ours'])
  t.same(cores.ConditionVirtualization, ['!container'], 'core_pattern is the machine’s')
  t.same([cores.User, cores.CapabilityBoundingSet], [undefined, ['CAP_DAC_READ_SEARCH']])
  t.same([cores.NoNewPrivileges, cores.RestrictAddressFamilies, cores.IPAddressDeny], [['yes'], ['none'], ['any']])
  // The kernel's settings would be read-only, or the host's directories out of sight.
  for (const breaks of ['ProtectKernelTunables', 'ProtectSystem', 'PrivateMounts', 'DynamicUser'])
    t.equal(cores[breaks], undefined, breaks)
  const scripts = ['cores', 'core-handler'].map((name) => join(TREE, 'usr/lib/lastgasp', name))
  for (const path of scripts) {
    t.equal(statSync(path).mode & 0o777, 0o755)
    t.equal(spawnSync('sh', ['-n', path]).status, 0)
    t.match(readFileSync(path, 'utf8'), /^#!\/bin\/sh\n/)
  }
  t.ok(list(cores, 'SystemCallFilter').includes('@ipc'), 'no pipe(2)')
  t.notMatch(
    readFileSync(join(TREE, 'usr/lib/lastgasp/cores'), 'utf8').replaceAll(/^ *#.*$|'[^']*'/gm, ''),
    /\$\(|`|[^|]\|[^|]/,
  )
  const run = readFileSync(join(TREE, 'usr/lib/tmpfiles.d/lastgasp.conf'), 'utf8')
  t.match(run, /^p \/run\/lastgasp\/crashes 0600 lastgasp-collector root -$/m, 'in root’s directory')
  t.end()
})

t.test('the host that is dying spares us: reserves', (t) => {
  const slice = parseUnit(read('lastgasp.slice'))
  const mebibytes = (unit: Unit) => Number(/^(\d+)M$/.exec(unit.MemoryMin?.[0] ?? '')?.[1])
  t.ok(mebibytes(slice) >= mebibytes(daemon) + mebibytes(collector), 'what the slice has is what they get')
  for (const name of PROCESSES) {
    const unit = units[name]
    t.same(unit.Slice, ['lastgasp.slice'])
    t.same([unit.OOMScoreAdjust, unit.OOMPolicy, unit.ManagedOOMPreference], [['-900'], ['continue'], ['omit']])
    t.ok(Number(unit.TasksMax?.[0]) >= 64)
    t.same([unit.Restart, unit.StartLimitIntervalSec], [['always'], ['0']], 'comes back whatever happens')
  }
  t.end()
})

t.test(
  'systemd reads every line',
  { skip: spawnSync('systemd-analyze', ['--version']).status !== 0 && 'systemd-analyze is not installed' },
  (t) => {
    const root = t.testdir({})
    cpSync(TREE, root, { recursive: true, verbatimSymlinks: true })
    for (const program of ['usr/lib/lastgasp/bin/node', 'usr/bin/flock', 'usr/bin/true', 'bin/sh']) {
      mkdirSync(dirname(join(root, program)), { recursive: true })
      copyFileSync('/usr/bin/env', join(root, program))
    }
    const names = readdirSync(SYSTEM).filter((name) => name.startsWith('lastgasp') && !name.endsWith('.d'))
    t.ok(names.length >= 5)
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', `--root=${root}`, ...names], {
      encoding: 'utf8',
    })
    t.same(
      stderr.split('\n').filter((line) => line.includes(basename(root)) || line.includes('lastgasp')),
      [],
    )
    t.equal(status, 0)
    t.end()
  },
)
