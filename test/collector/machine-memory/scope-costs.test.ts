import t from 'tap'
import { scopeCosts } from '../../../agent/collector/machine-memory/scope-costs.ts'

const GIB = 1024 ** 3
const ram = [
  { start: 0, end: GIB },
  { start: 4 * GIB, end: 7 * GIB },
]
const meminfo = (free: number, shmem: number) =>
  `MemTotal: 4194304 kB\nMemFree: ${free} kB\nActive: 1048576 kB\nInactive: 0 kB\nUnevictable: 0 kB\nShmem: ${shmem} kB\n`

t.test('bytes and seconds of every scope, whichever is set', (t) => {
  // 4 GiB less 2.8 free and 1 of processes, and a quarter on top; read at 200 MiB/s, a third of a second for requests.
  t.equal(
    scopeCosts(ram, meminfo(2_936_013, 524_288), 0.1),
    'kernel 256MiB in 1.6 s, kernel+shmem 768MiB in 4.1 s, all 4GiB in 21 s',
  )
  t.equal(
    scopeCosts(ram, meminfo(2_936_013, 524_288), 0.5),
    'kernel 256MiB in 2.9 s, kernel+shmem 768MiB in 8.0 s, all 4GiB in 41 s',
    'where the store is the slower one',
  )
  t.end()
})
