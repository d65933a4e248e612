import { type Evidence, noEvidence } from '../../agent/findings/evidence.ts'

/** When the captures of the fixtures began. */
export const BEGAN = Date.UTC(2026, 10, 30, 3)
const SECOND = 1000
const ago = (seconds: number) => BEGAN - seconds * SECOND

/** The kernel's messages, one in a line, the last a minute before the capture, each a second after the one before. */
function kernel(text: string): Pick<Evidence, 'kernel'> {
  const lines = text.trim().split('\n')
  return { kernel: lines.map((line, index) => ({ text: line, at: ago(60 + lines.length - index) })) }
}

const said = (unit: string, ...texts: readonly string[]): Pick<Evidence, 'lines'> => ({
  lines: texts.map((text, index) => ({ unit, text, at: ago(60 - index) })),
})

const shop = { pid: 812, comm: 'shop', exe: '/opt/shop', unit: 'shop.service' }

export interface Fixture {
  readonly evidence: Partial<Evidence>
  /** What the rule says of it. */
  readonly says: readonly string[]
  /** Alike, and nothing of the kind. */
  readonly harmless: Partial<Evidence>
}

/** Of each rule what it sees, in the words of Linux 6.1 (Debian 12) and 6.12 (Debian 13), and what it must not take for it. */
export const FIXTURES: Readonly<Record<string, Fixture>> = {
  // arch/x86/kernel/dumpstack.c of both, as LKDTM's WRITE_KERN and BUG print them; arch/arm64/kernel/traps.c.
  oops: {
    evidence: kernel(`
BUG: kernel NULL pointer dereference, address: 0000000000000000
#PF: supervisor write access in kernel mode
#PF: error_code(0x0002) - not-present page
PGD 0 P4D 0
Oops: 0002 [#1] PREEMPT SMP NOPTI
CPU: 1 PID: 431 Comm: bash Not tainted 6.1.0-28-amd64 #1  Debian 6.1.119-1
kernel BUG at drivers/misc/lkdtm/bugs.c:105!
Oops: invalid opcode: 0000 [#2] PREEMPT SMP NOPTI
CPU: 0 UID: 0 PID: 432 Comm: sh Tainted: G      D            6.12.6-amd64 #1  Debian 6.12.6-1
Internal error: Oops: 0000000096000044 [#3] SMP`),
    says: [
      'The kernel itself faulted (an oops), while bash (pid 431) was running.',
      'The kernel itself faulted (an oops), while sh (pid 432) was running.',
      'The kernel itself faulted (an oops).',
    ],
    harmless: kernel(`
Oops: 0002 [#1][812]: segfault at 0 ip 00005581 sp 00007ffd error 6 in shop[5581+1000] likely on CPU 0 (core 0, socket 0)
traps: x: 0000 [#1][813] general protection fault ip:401126 sp:7ffc error:0 in x[401000+1000]
oops: 0002 [#1] said a driver`),
  },
  // block/blk-mq.c, fs/buffer.c, drivers/nvme/host/pci.c
  disk: {
    evidence: kernel(`
I/O error, dev vdb, sector 2048 op 0x1:(WRITE) flags 0x100000 phys_seg 1 prio class 2
Buffer I/O error on dev vdb, logical block 256, lost async page write
critical medium error, dev sdc, sector 81920 op 0x0:(READ) flags 0x80700 phys_seg 4 prio class 2
nvme nvme0: I/O 12 (I/O Cmd) QID 3 timeout, aborting
nvme nvme0: I/O tag 12 (100c) opcode 0x2 (I/O Cmd) QID 3 timeout, aborting req_op:READ(0) size:4096`),
    says: [
      'The disk vdb has failed reads or writes, 2 on record.',
      'The disk sdc has failed reads or writes, 1 on record.',
      'The disk nvme0 has failed reads or writes, 2 on record.',
    ],
    harmless: kernel(`
critical target error, dev sda, sector 0 op 0x3:(DISCARD) flags 0x800 phys_seg 1 prio class 2
I/O error, dev fd0, sector 0 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 2
Buffer I/O error on dev sr0, logical block 0, async page read`),
  },
  // fs/ext4/super.c, fs/xfs/xfs_fsops.c, fs/btrfs/messages.c
  'file-system': {
    evidence: kernel(`
EXT4-fs error (device vda1): ext4_lookup:1855: inode #131: comm ls: deleted inode referenced: 132
EXT4-fs (vda1): Remounting filesystem read-only
Aborting journal on device vdb-8.
XFS (vdc): Corruption of in-memory data (0x8) detected at xfs_trans_cancel+0x156/0x180 [xfs] (fs/xfs/xfs_trans.c:1097).  Shutting down filesystem.
BTRFS: error (device vdd: state A) in btrfs_commit_transaction:2494: errno=-5 IO failure
BTRFS info (device vdd: state EA): forced readonly`),
    says: [
      'The file system on vda1 is damaged.',
      'The file system on vdb-8 has given up its journal.',
      'The file system on vdc is damaged.',
      'The file system on vdd became read-only.',
    ],
    harmless: kernel(`
EXT4-fs (vda1): mounted filesystem 0f5d6f6e-0000-4000-8000-000000000000 r/w with ordered data mode. Quota mode: none.
EXT4-fs (vda1): re-mounted 0f5d6f6e-0000-4000-8000-000000000000 ro. Quota mode: none.
BTRFS info (device vdd): using crc32c (crc32c-intel) checksum algorithm
XFS (vdc): Unmounting Filesystem`),
  },
  // kernel/watchdog.c
  lockup: {
    evidence: kernel(`
watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [kworker/1:0:45]
watchdog: Watchdog detected hard LOCKUP on cpu 3`),
    says: [
      'A processor ran nothing but kworker/1:0 (pid 45) in the kernel for 26 s (a soft lockup).',
      'A processor stood still in the kernel, with its interrupts off (a hard lockup).',
    ],
    harmless: kernel(`
rcu: INFO: rcu_preempt self-detected stall on CPU
rcu: INFO: rcu_sched detected stalls on CPUs/tasks:
clocksource: timekeeping watchdog on CPU1: Marking clocksource 'tsc' as unstable because the skew is too large:`),
  },
  space: {
    evidence: {
      fileSystems: [
        { path: '/', size: 8 * 2 ** 30, available: 0, inodes: 500_000, inodesUsed: 40_000 },
        { path: '/srv', size: 2 ** 40, available: 40 * 2 ** 20, inodes: 0, inodesUsed: 0 },
      ],
    },
    says: ['/ is full: 0B of 8GiB are left.', '/srv is full: 40MiB of 1TiB are left.'],
    harmless: {
      fileSystems: [
        { path: '/', size: 8 * 2 ** 30, available: 400 * 2 ** 20, inodes: 500_000, inodesUsed: 40_000 },
        { path: '/srv', size: 2 ** 44, available: 2 ** 34, inodes: 0, inodesUsed: 0 },
        { path: '/run/credentials/a.service', size: 2 ** 20, available: 0, inodes: 1024, inodesUsed: 2 },
      ],
    },
  },
  inodes: {
    evidence: {
      fileSystems: [{ path: '/var', size: 2 ** 30, available: 2 ** 29, inodes: 65_536, inodesUsed: 65_536 }],
    },
    says: ['/var can hold no more files: 65536 of 65536 inodes are in use.'],
    harmless: {
      fileSystems: [{ path: '/var', size: 2 ** 30, available: 2 ** 29, inodes: 65_536, inodesUsed: 60_000 }],
    },
  },
  // kernel/cgroup/pids.c
  pids: {
    evidence: {
      tasks: { used: 32_700, most: 32_768 },
      groups: [{ who: { unit: 'shop.service' }, used: 24, most: 24, refused: 3 }],
      ...kernel('cgroup: fork rejected by pids controller in /system.slice/mail.service'),
    },
    says: [
      'The host has no more process ids: 32700 of 32768 are in use.',
      'shop.service has all the tasks that it may have: 24 of 24, and 3 more were refused.',
      'mail.service was refused more tasks than its limit allows.',
    ],
    harmless: {
      tasks: { used: 900, most: 32_768 },
      groups: [
        { who: { unit: 'once.service' }, used: 4, most: 24, refused: 3 },
        { who: { unit: 'alone.service' }, used: 1, most: 1, refused: 0 },
      ],
    },
  },
  descriptors: {
    evidence: {
      files: { used: 9_990, most: 10_000 },
      descriptors: [{ who: shop, used: 1024, most: 1024 }],
    },
    says: [
      'The host has no more open files: 9990 of 10000 are in use.',
      '/opt/shop (pid 812) of shop.service has all the descriptors that it may have: 1024 of 1024.',
    ],
    harmless: {
      files: { used: 2_000, most: 10_000 },
      descriptors: [
        { who: shop, used: 512, most: 1024 },
        { who: shop, used: 8, most: 8 },
      ],
    },
  },
  // net/netfilter/nf_conntrack_core.c
  connections: {
    evidence: {
      connections: { used: 1024, most: 1024 },
      ...kernel('nf_conntrack: nf_conntrack: table full, dropping packet'),
    },
    says: ['No more connections can be tracked, and packets are dropped: 1024 of 1024 are in use.'],
    harmless: { connections: { used: 900, most: 1024 } },
  },
  ports: {
    evidence: { ports: { used: 28_000, most: 28_232 } },
    says: ['There are no more local ports towards one peer: 28000 of 28232 are in use.'],
    harmless: { ports: { used: 14_000, most: 28_232 } },
  },
  // kernel/hung_task.c
  blocked: {
    evidence: {
      hangs: [
        { kind: 'blocked', who: shop, tid: 815, wchan: 'folio_wait_bit_common' },
        { kind: 'blocked', who: { pid: 7, comm: 'cat' }, tid: 7, wchan: undefined },
      ],
      ...kernel('INFO: task jbd2/vda1-8:211 blocked for more than 120 seconds.'),
    },
    says: [
      'Thread 815 of /opt/shop (pid 812) of shop.service sleeps uninterruptibly, waiting for a page of a file (folio_wait_bit_common).',
      'cat (pid 7) sleeps uninterruptibly, waiting for something in the kernel.',
      'jbd2/vda1-8 (thread 211) had slept uninterruptibly for more than 120 s.',
    ],
    harmless: { hangs: [{ kind: 'blocked', who: shop, tid: 815, wchan: 'wait_for_vfork_done' }] },
  },
  deadlock: {
    evidence: {
      hangs: [
        {
          kind: 'deadlock',
          who: shop,
          tid: 813,
          waits: [
            { tid: 813, holder: 814 },
            { tid: 814, holder: 813 },
          ],
        },
        { kind: 'deadlock', who: shop, tid: 813, waits: [] },
      ],
    },
    says: [
      '/opt/shop (pid 812) of shop.service is deadlocked: thread 813 waits for 814, which waits for 813.',
      '/opt/shop (pid 812) of shop.service hangs: all of its threads wait for each other.',
    ],
    harmless: {},
  },
  // chrony 4.3, src/reference.c; systemd-timesyncd says none of it
  clock: {
    evidence: said(
      'chrony.service',
      'System clock wrong by 3600.123456 seconds',
      'System clock was stepped by 3600.123456 seconds',
    ),
    says: ['The clock was set by 3600 s while the host ran.', 'The clock was set by 3600 s while the host ran.'],
    harmless: said('shop.service', 'System clock was stepped by 3600.123456 seconds'),
  },
  // drivers/net/phy/phy.c, drivers/net/ethernet/intel/e1000e/netdev.c, net/sched/sch_generic.c; systemd-networkd
  network: {
    evidence: {
      ...kernel(`
e1000e 0000:00:1f.6 eno1: NIC Link is Up 1000 Mbps Full Duplex, Flow Control: None
virtio_net virtio1 ens4: NETDEV WATCHDOG: CPU: 1: transmit queue 0 timed out 5120 ms
e1000e 0000:00:1f.6 eno1: NIC Link is Down`),
      ...said('systemd-networkd.service', 'ens5: Lost carrier'),
    },
    says: [
      'The network interface eno1 lost its link, and had none since.',
      'The network interface ens4 sends nothing any more.',
      'The network interface ens5 lost its link, and had none since.',
    ],
    harmless: {
      ...kernel(`
e1000e 0000:00:1f.6 eno1: NIC Link is Down
r8169 0000:02:00.0 enp2s0: Link is Down
r8169 0000:02:00.0 enp2s0: Link is Up - 1Gbps/Full - flow control off`),
      ...said('shop.service', 'ens5: Gained carrier', 'ens5: Lost carrier'),
    },
  },
  names: {
    evidence: said(
      'shop.service',
      'curl: (6) Could not resolve host: db.internal',
      'dial tcp: lookup db.internal on 10.0.0.2:53: i/o timeout',
      'connect failed: Temporary failure in name resolution',
    ),
    says: ['shop.service could not resolve names, as it has said 3 times within ten minutes.'],
    harmless: said('shop.service', 'Could not resolve host: a', 'no such host', 'Name or service not known'),
  },
  certificate: {
    evidence: said(
      'shop.service',
      'x509: certificate has expired or is not yet valid: current time is after 2026-11-01',
      'SSL routines::certificate expired',
      'Error: certificate has expired code: CERT_HAS_EXPIRED',
    ),
    says: ['shop.service met an expired certificate, as it has said 3 times within ten minutes.'],
    harmless: said('shop.service', 'certificate will expire in 3 days', 'certificate has expired'),
  },
  spinning: {
    evidence: { hangs: [{ kind: 'spinning', who: shop, tid: 812, seconds: 41.2 }] },
    says: [
      '/opt/shop (pid 812) of shop.service spins: it has used a processor for 41 s, and asks nothing of the kernel.',
    ],
    harmless: {},
  },
  flapping: {
    evidence: {
      restarts: [10, 20, 30].map((seconds) => ({ unit: 'shop.service', at: ago(seconds) })),
      unitFailures: [10, 20, 30].map((seconds) => ({ unit: 'shop.service', at: ago(seconds), result: 'exit-code' })),
    },
    says: ['shop.service was started anew 3 times within ten minutes.'],
    harmless: {
      restarts: [
        ...[10, 20, 7200].map((seconds) => ({ unit: 'shop.service', at: ago(seconds) })),
        ...[10, 20, 30].map((seconds) => ({ unit: 'again.service', at: ago(seconds) })),
      ],
      unitFailures: [10, 20, 7200].map((seconds) => ({ unit: 'shop.service', at: ago(seconds), result: 'exit-code' })),
    },
  },
  'unit-failed': {
    evidence: {
      failed: ['shop.service', 'srv.mount'],
      unitFailures: [{ unit: 'shop.service', at: ago(30), result: 'exit-code' }],
    },
    says: ['shop.service has failed: its process ended with an error.', 'srv.mount has failed.'],
    harmless: {
      failed: ['lastgasp.service', 'late.service'],
      unitFailures: [{ unit: 'late.service', at: BEGAN + SECOND, result: 'timeout' }],
    },
  },
}

export const evidenceOf = (some: Partial<Evidence>): Evidence => ({ ...noEvidence(BEGAN), ...some })
