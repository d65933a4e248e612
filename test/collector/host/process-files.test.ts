import { readFileSync } from 'node:fs'
import t from 'tap'
import { pageBytes } from '../../../agent/collector/host/auxiliary-vector.ts'
import { numberOf, parseStat } from '../../../agent/collector/host/process-files.ts'

t.test('a name with parentheses, blanks and line ends does not shift the fields', async (t) => {
  const rest = 'D 1 200 201 0 -1 4194304 10 0 7 0 150 50 0 0 20 -5 3 0 1000 4096000 500 18446744073709551615'
  for (const comm of ['a) b (c', ')', '((', 'x\ny', '']) {
    t.match(parseStat(`42 (${comm}) ${rest}\n`, 4096), {
      pid: 42,
      comm,
      state: 'D',
      ppid: 1,
      pgid: 200,
      kernelThread: false,
      minflt: 10,
      majflt: 7,
      utime: 1.5,
      stime: 0.5,
      nice: -5,
      threads: 3,
      start: 10,
      vsz: 4096000,
      rss: 2048000,
    })
  }
  t.equal(parseStat('2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 5 0 0 20 0 1 0 3 0 0', 4096)?.kernelThread, true)
  for (const broken of ['', '42', '42 (x', '(x) S']) t.equal(parseStat(broken, 4096), undefined, broken)
})

t.test('this process is read as it knows itself', async (t) => {
  const page = pageBytes(readFileSync('/proc/self/auxv'))
  const stat = parseStat(readFileSync('/proc/self/stat', 'utf8'), page)
  t.match(stat, { pid: process.pid, ppid: process.ppid, kernelThread: false })
  const status = readFileSync('/proc/self/status', 'utf8')
  t.equal(stat?.threads, numberOf(status, 'Threads'))
  const ratio = (stat?.rss ?? 0) / (numberOf(status, 'VmRSS') ?? 1)
  t.ok(ratio > 0.5 && ratio < 2, 'pages are of the right size')
})

t.test('the page size is the one the kernel tells, whatever it is', async (t) => {
  const auxv = Buffer.alloc(48)
  auxv.writeBigUInt64LE(33n, 0)
  auxv.writeBigUInt64LE(6n, 16)
  auxv.writeBigUInt64LE(65536n, 24)
  t.equal(pageBytes(auxv), 65536)
  t.equal(pageBytes(undefined), 4096)
})
