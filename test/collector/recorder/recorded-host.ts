import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A process as the host's files tell it. */
export interface Told {
  readonly pid: number
  readonly comm: string
  readonly state?: string
  /** Flags as proc_pid_stat(5) has them: of a kernel thread 2129984. */
  readonly flags?: number
  /** Clock ticks used so far. */
  readonly ticks: number
  readonly threads?: number
  /** Ticks after boot. */
  readonly start?: number
  readonly mib: number
  readonly fds?: number
  readonly cgroup?: string
}

/** A host in a directory, whose files are written anew as time goes by. */
export class RecordedHost {
  readonly root: string

  constructor(root: string) {
    this.root = root
  }

  /** In place, as /proc changes under whoever keeps it open. */
  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true })
    writeFileSync(join(this.root, path), text)
  }

  remove(path: string): void {
    rmSync(join(this.root, path), { recursive: true, force: true })
  }

  /** A process ends: whoever has its files open can read nothing of them any more. */
  end(pid: number): void {
    this.write(`proc/${pid}/stat`, '')
    this.remove(`proc/${pid}`)
  }

  process({ pid, comm, state = 'S', flags = 4194304, ticks, threads = 1, start = 100, mib, fds, cgroup }: Told): void {
    const fields = `${state} 1 ${pid} ${pid} 0 -1 ${flags} 0 0 0 0 ${ticks} 0 0 0 20 0 ${threads} 0 ${start} 0 ${mib * 256}`
    this.write(`proc/${pid}/stat`, `${pid} (${comm}) ${fields} 18446744073709551615\n`)
    if (cgroup !== undefined) this.write(`proc/${pid}/cgroup`, `0::${cgroup}\n`)
    // The size of that directory is how many descriptors there are; that of a file can be written.
    if (fds !== undefined) this.write(`proc/${pid}/fd`, 'x'.repeat(fds))
  }

  /** A service's group: what it has allocated, and the processor time that it has used. */
  unit(path: string, mib: number, usec: number): void {
    this.write(`sys/fs/cgroup${path}/memory.stat`, `anon ${(mib * MIB) / 2}\nfile 99999999\nshmem ${(mib * MIB) / 2}\n`)
    this.write(`sys/fs/cgroup${path}/cpu.stat`, `usage_usec ${usec}\nuser_usec 0\n`)
  }

  /** The kernel's log: what was in it before anything was recorded, and more. */
  log(more: string, before = '6,1,5,-;nothing yet\n'): void {
    this.write('dev/kmsg', before + more)
  }

  /** What stays as it is. */
  begin(): void {
    this.write('proc/uptime', '1000.00 1.00\n')
    this.write('proc/sys/kernel/osrelease', '6.8.0-invented\n')
    this.write('sys/fs/cgroup/cgroup.stat', 'nr_descendants 3\n')
    this.log('')
  }

  /** The host's files after so many minutes in which `mib` of memory were taken. */
  minute(minute: number, mib: number): void {
    const seconds = minute * 60
    this.write(
      'proc/stat',
      `cpu  ${100 + 30 * seconds} 0 ${50 + 10 * seconds} ${1000 + 160 * seconds} 5 0 0 ${seconds} 0 0\ncpu0 1 2\n` +
        `intr 1 2 3\nbtime 1700000000\nprocesses ${100 + 2 * seconds}\nprocs_running 2\nprocs_blocked 1\n`,
    )
    this.write('proc/loadavg', '0.10 0.20 0.30 2/190 4711\n')
    const kib = 2_000_000 - mib * 1024
    this.write(
      'proc/meminfo',
      `MemTotal:       4000000 kB\nMemFree:        ${kib - 500_000} kB\nMemAvailable:   ${kib} kB\nCached:          400000 kB\n` +
        `Dirty:              100 kB\nWriteback:            0 kB\nAnonPages:      ${mib * 1024} kB\nShmem:             1000 kB\n` +
        'SUnreclaim:       20000 kB\nSwapTotal:      500000 kB\nSwapFree:       400000 kB\n',
    )
    this.write(
      'proc/vmstat',
      `nr_free_pages 1\npgpgin ${10 * seconds}\npgpgout ${600 * seconds}\npswpin 0\npswpout ${seconds}\npgmajfault ${3 * seconds}\noom_kill ${minute > 11 ? 1 : 0}\n`,
    )
    for (const [what, share] of Object.entries({ cpu: 1, memory: minute, io: 0 })) {
      const total = (share * 600_000 * minute).toFixed(0)
      this.write(
        `proc/pressure/${what}`,
        `some avg10=0 avg60=0 avg300=0 total=${total}\nfull avg10=0 avg60=0 avg300=0 total=${total}\n`,
      )
    }
    const disk = (name: string, ms: number) => ` 259 0 ${name} 1 0 8 1 1 0 8 1 0 ${ms} 2 0 0 0 0 0 0\n`
    this.write('proc/diskstats', disk('nvme0n1', 30 * seconds) + disk('nvme0n1p1', 30 * seconds) + disk('sdb', 7))
    const net = (name: string, bytes: number, drops: number) =>
      `${name}: ${bytes} 9 0 ${drops} 0 0 0 0 ${bytes} 9 0 0 0 0 0 0\n`
    this.write(
      'proc/net/dev',
      `Inter-|\n face |\n    ${net('lo', 1e9 * minute, minute)}  ${net('eth0', 1000 * seconds, minute)}${net('veth1', 1e9 * minute, minute)}`,
    )
    this.write('proc/net/snmp', `Ip: A B\nIp: 1 2\nTcp: InSegs RetransSegs\nTcp: 9 ${5 * minute}\n`)
    this.write('proc/net/netstat', `TcpExt: SyncookiesSent ListenDrops\nTcpExt: 1 ${2 * minute}\n`)
    this.write('proc/net/sockstat', 'sockets: used 9\nTCP: inuse 12 orphan 0 tw 7 alloc 13 mem 1\n')
    this.write('proc/sys/fs/file-nr', '980\t0\t10000\n')
  }
}

const MIB = 1024 ** 2
