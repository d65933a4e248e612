import t from 'tap'
import { scopeCosts } from '../../../agent/collector/machine-memory/scope-costs.ts'

const MIB = 1024 ** 2
const GIB = 1024 ** 3
const ram = [
  { start: 0, end: GIB },
  { start: 4 * GIB, end: 7 * GIB },
]
const meminfo = (free: number, shmem: number) =>
  `MemTotal: 4194304 kB\nMemFree: ${free} kB\nActive: 1048576 kB\nInactive: 0 kB\nUnevictable: 0 kB\nShmem: ${shmem} kB\n`

t.test('bytes and time of every scope, whichever is set', (t) => {
  // 4 GiB less 2.8 free and 1 of processes, and a quarter on top; read at 200 MiB/s, a third of a second for requests.
  const told = (ratio: number) =>
    scopeCosts(ram, meminfo(2_936_013, 524_288), ratio).map(({ scope, bytes, ms }) => [
      scope,
      Math.round(bytes / MIB),
      Math.round(ms / 100),
    ])
  t.strictSame(told(0.1), [
    ['kernel', 256, 16],
    ['kernel+shmem', 768, 41],
    ['all', 4096, 208],
  ])
  t.strictSame(
    told(0.5),
    [
      ['kernel', 256, 29],
      ['kernel+shmem', 768, 80],
      ['all', 4096, 413],
    ],
    'where the store is the slower one',
  )
  t.end()
})
