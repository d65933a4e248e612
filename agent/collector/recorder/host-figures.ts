import type { Figures } from './history.ts'
import type { KeptFiles } from './kept-files.ts'

/** What /proc counts in kilobytes is in units of 1024 bytes: proc_meminfo(5). */
const KIB = 1024

/** The figures of the host as they are now; those that only grow as they have grown until now. `disk_busy` is left to `Disks`. */
export function hostFigures(files: KeptFiles, pageBytes: number): Omit<Figures, 'disk_busy'> {
  return {
    ...processors(files),
    ...pressure(files),
    ...memory(files.read('proc/meminfo')),
    ...events(files.read('proc/vmstat'), pageBytes),
    ...interfaces(files.read('proc/net/dev')),
    ...sockets(files),
    files_open: Number.parseInt(files.read('proc/sys/fs/file-nr'), 10),
    connections_tracked: Number.parseInt(files.read('proc/sys/net/netfilter/nf_conntrack_count'), 10),
  }
}

/** proc_stat(5), proc_loadavg(5) */
function processors(files: KeptFiles) {
  const stat = files.read('proc/stat')
  const [user = NaN, nice = NaN, system = NaN, idle = NaN, iowait = NaN, irq = NaN, softirq = NaN, steal = NaN] =
    numbersOf(/^cpu +(.*)/.exec(stat)?.[1])
  return {
    cpu_user: user + nice,
    cpu_system: system + irq + softirq,
    cpu_iowait: iowait,
    cpu_steal: steal,
    cpu_idle: idle,
    running: after(stat, '\nprocs_running '),
    blocked: after(stat, '\nprocs_blocked '),
    tasks: after(files.read('proc/loadavg'), '/'),
    forks: after(stat, '\nprocesses '),
  }
}

/** Documentation/accounting/psi.rst: µs since boot. */
function pressure(files: KeptFiles) {
  const [cpu = '', memory = '', io = ''] = ['cpu', 'memory', 'io'].map((what) => files.read(`proc/pressure/${what}`))
  const [some, full] = ['some', 'full'].map((what) => new RegExp(`^${what} .*total=(\\d+)`, 'm'))
  const total = (of: RegExp | undefined, text: string) => Number(of?.exec(text)?.[1])
  return {
    cpu_some: total(some, cpu),
    memory_some: total(some, memory),
    memory_full: total(full, memory),
    io_some: total(some, io),
    io_full: total(full, io),
  }
}

/** proc_meminfo(5), in bytes. */
function memory(text: string) {
  const of = (name: string) => after(text, `\n${name}:`) * KIB
  return {
    available: of('MemAvailable'),
    free: of('MemFree'),
    anon: of('AnonPages'),
    cached: of('Cached'),
    shmem: of('Shmem'),
    slab_kept: of('SUnreclaim'),
    dirty: of('Dirty'),
    writeback: of('Writeback'),
    swap_used: of('SwapTotal') - of('SwapFree'),
  }
}

/** proc_vmstat(5). What goes to disks and comes from them is counted there once, whatever devices are stacked. */
function events(text: string, pageBytes: number) {
  const of = (name: string) => after(text, `\n${name} `)
  return {
    swap_in: of('pswpin') * pageBytes,
    swap_out: of('pswpout') * pageBytes,
    major_faults: of('pgmajfault'),
    oom_kills: of('oom_kill'),
    disk_read: of('pgpgin') * KIB,
    disk_written: of('pgpgout') * KIB,
  }
}

/** proc_net_dev(5): all interfaces but the loopback and the ends of containers' pairs, which tell it twice. */
function interfaces(text: string) {
  const sum = { net_in: text === '' ? NaN : 0, net_out: text === '' ? NaN : 0, net_drops: text === '' ? NaN : 0 }
  for (const line of text.split('\n').slice(2)) {
    const [, name = '', rest] = /^ *(.+?): *(.*)/.exec(line) ?? []
    if (rest === undefined || name === 'lo' || name.startsWith('veth')) continue
    const [received = 0, , errors = 0, dropped = 0, , , , , sent = 0, , errorsOut = 0, droppedOut = 0] = numbersOf(rest)
    sum.net_in += received
    sum.net_out += sent
    sum.net_drops += errors + dropped + errorsOut + droppedOut
  }
  return sum
}

/** Documentation/networking/snmp_counter.rst */
function sockets(files: KeptFiles) {
  const tcp = files.read('proc/net/sockstat')
  return {
    tcp_retransmits: counter(files.read('proc/net/snmp'), 'Tcp', 'RetransSegs'),
    listen_drops: counter(files.read('proc/net/netstat'), 'TcpExt', 'ListenDrops'),
    tcp_open: after(tcp, '\nTCP: inuse '),
    tcp_waiting: after(tcp, ' tw '),
  }
}

/** A number in two lines of names and values that begin with the same word. */
function counter(text: string, group: string, name: string): number {
  const [names = [], values = []] = text
    .split('\n')
    .filter((line) => line.startsWith(`${group}: `))
    .map((line) => line.split(' '))
  return Number(values[names.indexOf(name)])
}

/** The number that follows a text; NaN where it is not there. */
function after(text: string, what: string): number {
  const at = text.indexOf(what)
  return at < 0 ? NaN : Number.parseInt(text.slice(at + what.length, at + what.length + 24), 10)
}

const numbersOf = (text: string | undefined) => (text ?? '').trim().split(/ +/).map(Number)
