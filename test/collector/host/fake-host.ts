import type { Test } from 'tap'

type Tree = Extract<Parameters<Test['testdir']>[0], object>

/** A kernel thread, a worker with an odd name, a zombie, a server in a unit, a pid that is gone: a host in a directory. */
export function fakeHost(t: Test): Tree {
  const link = (to: string) => t.fixture('symlink', to)
  return {
    dev: {
      kmsg: [
        '5,1,0,-;Linux version 6.1.0-invented',
        '5,2,1500,-;Kernel command line: root=/dev/vda ro token=planted-in-the-kernel-log',
        '6,900,7200123456,-;nvme0n1: p1 p2',
        ' SUBSYSTEM=block',
        ' DEVICE=b259:0',
        '3,901,7300000001,-;Out of memory: Killed process 300 (shop) total-vm:1kB, anon-rss:1kB',
        '',
      ].join('\n'),
    },
    proc: {
      '1': process(1, 'systemd', 'S 0 1 1 0 -1 4194560 9000 0 60 0 120 80 0 0 20 0 1 0 3 171429888 3000', {
        status: 'Name:\tsystemd\nUid:\t0\t0\t0\t0\nVmSwap:\t       0 kB\n',
        cgroup: '0::/init.scope\n',
        cmdline: '/sbin/init\0',
        exe: link('/usr/lib/systemd/systemd'),
        fd: {
          '0': link('/dev/null'),
          '1': link('/dev/null'),
          '3': link('anon_inode:[eventpoll]'),
          '4': link('socket:[1]'),
        },
      }),
      '2': process(2, 'kthreadd', 'S 0 0 0 0 -1 2129984 0 0 0 0 0 5 0 0 20 0 1 0 3 0 0', {}),
      '200': process(200, 'a) b (c', 'D 1 200 200 0 -1 4194304 10 0 0 0 50 50 0 0 20 0 1 0 100000 4096000 500', {
        status: 'Uid:\t1000\t1000\t1000\t1000\nVmSwap:\t       8 kB\n',
        cgroup: '0::/system.slice/odd.service\n',
        cmdline: 'a) b (c\0--password\0planted on the command line\0',
        wchan: 'io_schedule',
        task: {},
      }),
      '201': process(201, 'defunct', 'Z 1 201 201 0 -1 4228108 0 0 0 0 1 1 0 0 20 0 1 0 200000 0 0', {}),
      '300': process(
        300,
        'shop',
        'S 1 300 300 0 -1 4194304 99999 0 700 0 360000 1000 0 0 20 5 2 0 50000 999424000 100000',
        {
          status: 'Uid:\t33\t33\t33\t33\nVmSwap:\t    1024 kB\n',
          cgroup: '0::/system.slice/shop.service\n',
          cmdline: '/srv/shop\0--listen=:80\0DB_PASSWORD=planted in an argument\0\x1b[31mred\0',
          environ: 'PLANTED=in-the-environment\0',
          limits:
            'Limit                     Soft Limit           Hard Limit           Units     \nMax open files            10                   4096                 files     \n',
          fd: {
            ...Object.fromEntries(Array.from({ length: 9 }, (_, fd) => [fd, link('socket:[7]')])),
            '9': link('/var/log/shop.log (deleted)'),
          },
          fdinfo: { '9': 'pos:\t0\nflags:\t02\nmnt_id:\t31\n' },
          task: {
            '300': { stat: '300 (shop) S 1 300 300 0 -1 4194304 0 0 0 0 1 1 0 0 20 5 2 0 50000 0 0' },
            '301': {
              stat: '301 (shop-io) D 1 300 300 0 -1 4194304 0 0 0 0 1 1 0 0 20 5 2 0 50000 0 0',
              wchan: 'rpc_wait_bit_killable',
              syscall: '0 0x9 0x7f0000000000 0x1000 0x0 0x0 0x0 0x7ffd00000000 0x7f0000001000\n',
              stack: '[<0>] rpc_wait_bit_killable+0x1e/0xb0\n[<0>] nfs_file_read+0x7f/0xb0\n',
            },
          },
          smaps_rollup: 'Rss:              400000 kB\n',
        },
      ),
      '999': {},
      uptime: '7384.22 14000.00\n',
      loadavg: '2.10 1.50 0.90 1/190 301\n',
      meminfo:
        'MemTotal:        1000000 kB\nMemFree:           50000 kB\nMemAvailable:      80000 kB\nSwapTotal:        500000 kB\nSwapFree:         100000 kB\n',
      vmstat: 'nr_free_pages 1\noom_kill 2\n',
      stat: 'cpu  1 2 3 4\nbtime 1700000000\n',
      pressure: {
        cpu: 'some avg10=1.00 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n',
        memory: 'some avg10=31.00 avg60=0.00 avg300=0.00 total=1\nfull avg10=22.50 avg60=0.00 avg300=0.00 total=1\n',
      },
      cmdline: 'root=/dev/vda ro token=planted-in-the-kernel-command-line\n',
      self: {
        mountinfo: [
          '21 1 0:20 / /proc rw - proc proc rw',
          '22 1 0:21 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw',
          '23 1 0:40 / /mnt/far\\040away rw - nfs4 nas:/x rw,password=planted-in-the-mount-options',
          '',
        ].join('\n'),
      },
      sys: {
        fs: { 'file-nr': '9800\t0\t10000\n' },
        kernel: {
          hostname: 'web-01\n',
          osrelease: '6.1.0-invented\n',
          tainted: '0\n',
          pid_max: '4194304\n',
          'threads-max': '7000\n',
          random: { boot_id: '00000000-1111-2222-3333-444444444444\n' },
        },
      },
    },
    sys: {
      fs: {
        cgroup: {
          'memory.pressure': 'some avg10=31.00 avg60=0 avg300=0 total=1\nfull avg10=22.50 avg60=0 avg300=0 total=1\n',
          'system.slice': {
            'shop.service': {
              'memory.current': '471859200\n',
              'memory.max': '500000000\n',
              'memory.events': 'low 0\nhigh 0\nmax 12\noom 2\noom_kill 2\noom_group_kill 0\n',
              'memory.events.local': 'low 0\nhigh 0\nmax 12\noom 2\noom_kill 2\noom_group_kill 0\n',
              'memory.stat': 'anon 1\n',
              'pids.current': '2\n',
              'pids.max': 'max\n',
              'pids.events': 'max 0\n',
              'io.stat':
                '8:0 rbytes=100 wbytes=1 rios=1 wios=1 dbytes=0 dios=0\n259:0 rbytes=23 wbytes=1 rios=1 wios=1 dbytes=0 dios=0\n',
            },
            'odd.service': { 'pids.current': '1\n', 'pids.max': '1\n', 'pids.events': 'max 7\n' },
          },
        },
        ext4: { vda1: { errors_count: '3\n' } },
        pstore: { 'dmesg-efi_pstore-1': 'Panic#1 Part1\n<0>Kernel panic - not syncing: invented\n' },
      },
    },
    usr: { lib: { 'os-release': 'PRETTY_NAME="Invented Linux 1"\n' } },
  }
}

function process(pid: number, comm: string, fields: string, files: Tree): Tree {
  return {
    stat: `${pid} (${comm}) ${fields} 18446744073709551615\n`,
    oom_score: '0\n',
    oom_score_adj: '0\n',
    wchan: '0',
    ...files,
  }
}
