import t from 'tap'
import type { Receipt } from '../../../agent/bundle/schema.ts'
import { detailsTold } from '../../../agent/operator/bundle/details-told.ts'

const told = (details: Receipt['details'], item: Receipt['item'] = {}) => detailsTold({ details, item }).join('; ')

t.test('facts: what was left out, and how often', (t) => {
  const one = (path: string, times = 1) => ({ path, reason: 'no answer', times })
  t.equal(told({ source: 'facts', processes: 1 }), '1 process')
  const leftOut = [one('proc/1/cgroup', 3), one('a'), one('b'), one('c')]
  t.equal(
    told({ source: 'facts', processes: 200, leftOut }),
    '200 processes; left out: proc/1/cgroup: no answer (3 times), a: no answer, b: no answer, and 1 more in errors.txt',
  )
  t.match(told({ source: 'facts', leftOut, leftOutKinds: 40 }), /, and 37 more in errors\.txt$/)
  t.end()
})

t.test('stacks: who hangs, and what there is no core of', (t) => {
  t.equal(told({ source: 'stacks', processes: 3 }), '3 processes')
  t.equal(told({ source: 'stacks', processes: 3, looks: 2, stuck: 0 }), '3 processes, none stuck')
  t.equal(
    told({ source: 'stacks', processes: 1, looks: 1, stuck: 0, partial: 2, narrow: 1 }),
    '1 process; cores.tsv says what 2 of the cores lack; no core of 1 32-bit process, only the table',
  )
  const [pod, namespace] = ['shop-1', 'web']
  const goneFirst = [
    { pid: 7, comm: 'sh', pod, namespace },
    { pid: 8, comm: 'app', unit: 'app.service' },
  ]
  t.equal(
    told({ source: 'stacks', processes: 3, gone: 4, goneFirst }),
    '3 processes; 4 had ended before a core was taken: sh 7 pod web/shop-1, app 8 app.service, …',
  )
  t.end()
})

t.test('traces: of whom, and how much of it has names', (t) => {
  t.equal(told({ source: 'traces', processes: 3, crashed: 0 }), '3 processes')
  const details = { source: 'traces', processes: 3, crashed: 1, threads: 9, frames: 40, named: 39 } as const
  t.equal(told(details), '3 processes, 1 crash, 98 % of 40 frames named')
  t.equal(told({ ...details, processes: 0, frames: 1, named: 0 }), '1 crash, 0 % of 1 frame named')
  t.end()
})

t.test('a core: why it was taken and what is missing of it; which thread crashed', (t) => {
  const trouble = { kind: 'failed' } as const
  t.equal(
    told({ source: 'live', by: 'gdb', trouble, missed: ['a stack'] }, { unit: 'shop.service' }),
    'shop.service has failed; taken by gdb; a stack',
  )
  t.equal(told({ source: 'live', by: 'ptrace' }), '')
  t.equal(told({ source: 'cores', thread: 7 }, { threads: 3 }), 'thread 7 of 3 crashed')
  t.equal(
    told({ source: 'cores', thread: 7, unfinished: true, unasked: 'no FFI' }),
    'thread 7 crashed; was still being written at the inventory; its attributes were not read: no FFI',
  )
  t.end()
})

t.test('files: which share a tar, and what of a log it is', (t) => {
  const first = ['a', 'b', 'c', 'd'].map((name) => ({ path: `/var/log/${name}`, bytes: 1 }))
  t.equal(told({ source: 'files', count: 0, first: [] }), '0 files')
  t.equal(told({ source: 'files', count: 1, first: first.slice(0, 1) }), '1 file: /var/log/a')
  t.equal(
    told({ source: 'files', count: 40, first, unread: 2 }),
    '40 files: /var/log/a, /var/log/b, /var/log/c, files.tsv has all; 2 could not be read',
  )
  const owner = { uid: 0, gid: 4, mode: 0o640 }
  t.equal(told({ source: 'files', size: 9, from: 0, to: 9, ...owner }, { uid: 7 }), '0640, of user 7')
  t.equal(
    told({ source: 'files', size: 9, from: 4, to: 12, rotated: 'x.1' }),
    'its newest end, bytes 4 to 12 of 9; it was rotated meanwhile, to x.1',
  )
  t.equal(told({ source: 'files', size: 9, from: 0, to: 4, older: true }), 'an older piece, bytes 0 to 4 of 9')
  t.end()
})

t.test('the machine’s memory, and the tables beside it', (t) => {
  t.equal(told({ source: 'memory', kernel: '6.12.0' }), 'kernel 6.12.0')
  const torn = [
    { of: 'objects', pages: 2 },
    { of: 'kernel', pages: 1 },
  ] as const
  t.equal(
    told({ source: 'memory', scope: 'kernel', whole: ['kernel data'], pages: 600, compared: 300, torn, unread: 4096 }),
    'scope kernel; whole: kernel data; 1.0 % of 600 pages torn, of which 300 were looked at again; 4KiB could not be read and are zeros',
  )
  const unfit = { scope: 'all', bytes: 1024 ** 3 }
  t.equal(
    told({ source: 'memory', scope: 'kernel', unfit, more: true, whole: [] }),
    'scope kernel; the unit has more pages than there was room or time for; all has 1GiB, which does not fit; no class of pages is whole',
  )
  t.end()
})

t.test('a journal file, whatever times it says; a program', (t) => {
  const [from, to] = [Date.UTC(2026, 10, 30), Date.UTC(2026, 10, 30, 3)]
  const range = '3 entries, 2026-11-30T00:00:00Z to 2026-11-30T03:00:00Z'
  t.equal(told({ source: 'journal', entries: 3, from, to }), range)
  t.equal(
    told({ source: 'journal', entries: 3, from: 1e300, open: 'EPERM', headerBytes: 9 }),
    "3 entries, an unknown time to an unknown time; copied while journald may write to it: EPERM; the host's file is shorter than the 9 bytes its header says",
  )
  t.equal(told({ source: 'executables', comm: 'shop', pid: 12 }), 'of shop[12]')
  t.equal(told({ source: 'executables', comm: 'shop' }), 'of shop')
  t.equal(told({ source: 'executables' }) + told(undefined), '')
  t.end()
})
