import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { lookAround, lookBack } from '../../../agent/collector/witnesses/look-around.ts'
import { coredumpUnit, crash, type Fields, from, writeJournal } from '../host/journal/write-journal.ts'
import { hanging } from '../host/open-descriptors.ts'
import { unhurried } from '../reading.ts'

const BOOT = '33333333333343338333333333333333'
const MACHINE = '11111111111111111111111111111111'

/** A host by its files. */
function host(test: Test, files: Readonly<Record<string, string | Buffer>>): string {
  const root = test.testdir()
  const all = { 'proc/sys/kernel/random/boot_id': `${BOOT}\n`, 'proc/uptime': '600.00 1000.00\n', ...files }
  for (const [path, content] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  return root
}

const SYSTEM = `var/log/journal/${MACHINE}/system.journal`
const manager = (...fields: readonly string[]): Fields => [...fields, '_PID=1', '_UID=0', '_COMM=systemd']
const exit = (unit: string, code: string, status: number): Fields =>
  manager('MESSAGE_ID=98e322203f7a4ed290d09fe03c09fe15', `UNIT=${unit}`, `EXIT_CODE=${code}`, `EXIT_STATUS=${status}`)
const listed = { cores: [], gaps: [], began: Date.now() }
/** Of a host whose vital signs are well. */
const NO_VITALS = Promise.resolve({ evidence: {}, unseen: [], rules: [] })
const told = async (root: string, more: Partial<typeof listed> = {}) =>
  (await lookAround(root, { ...listed, ...more }, NO_VITALS, unhurried())).map(({ sentence }) => sentence)

const WELL = 'Nothing had crashed, hung, run out or failed.'

const quiet = {
  'dev/kmsg': '6,1,1000,-;Linux version 6.12\n',
  'proc/vmstat': 'nr_free_pages 1\noom_kill 0\n',
  [SYSTEM]: writeJournal([['MESSAGE=hello']], BOOT),
}

t.test('a host where nothing had crashed, and one where that is not known', async (t) => {
  t.same(await told(host(t, quiet)), [WELL])
  const { 'dev/kmsg': _, ...without } = quiet
  t.same(await told(host(t, without)), ['Whether anything had crashed is not known: the kernel’s log is not there.'])
  t.same(await told(host(t, {})), [
    'Whether anything had crashed is not known: the kernel’s log is not there.',
    'Whether anything had crashed is not known: the journal is not there.',
    'Whether anything had crashed is not known: the counts of kills could not be read.',
  ])
  t.same(await told(host(t, { ...quiet, [SYSTEM]: 'no journal at all' })), [
    'Whether anything had crashed is not known: the journal could not all be read.',
  ])
})

t.test('a boot id that does not answer costs its own wait, and no witness', async (t) => {
  const root = host(t, quiet)
  rmSync(join(root, 'proc/sys/kernel/random/boot_id'))
  hanging(t, join(root, 'proc/sys/kernel/random/boot_id'))
  t.same(await told(root), [WELL])
})

t.test('units whose processes crashed, as systemd tells of them', async (t) => {
  const entries = [
    exit('shop.service', 'dumped', 11),
    exit('mail.service', 'killed', 6),
    exit('fine.service', 'killed', 15),
    exit('failed.service', 'exited', 1),
    exit('stopped.service', 'killed', 9),
    manager('MESSAGE_ID=fe6faa94e7774663a0da52717891d8ef', 'UNIT=java.service'),
    manager('MESSAGE_ID=fe6faa94e7774663a0da52717891d8ef', 'UNIT=system.slice'),
    // Anybody may send these fields.
    exit('forged.service', 'dumped', 11).filter((field) => field !== '_PID=1'),
  ]
  t.same(await told(host(t, { ...quiet, [SYSTEM]: writeJournal(entries, BOOT) })), [
    'A process of java.service was killed by the kernel for want of memory.',
    'A process of mail.service was ended by SIGABRT; no core was found.',
    'A process of shop.service was ended by SIGSEGV; no core was found.',
  ])
  const other = writeJournal(entries, '4'.repeat(32))
  t.same(await told(host(t, { ...quiet, [SYSTEM]: other })), [WELL], 'in another boot')
})

t.test('of the boot before: who died in it, and how it went', async (t) => {
  const EARLIER = '2'.repeat(32)
  const died = (boot: string, unit: string) => writeJournal([exit(unit, 'dumped', 11)], boot)
  const root = host(t, {
    [SYSTEM]: died(BOOT, 'now.service'),
    [SYSTEM.replace('.journal', '@1.journal~')]: died(EARLIER, 'then.service'),
  })
  const core = { name: 'cores/then.7.core.zst', identity: { pid: 7, comm: 'then', bootId: EARLIER, signal: 6 } }
  const older = { name: 'cores/old.8.core.zst', identity: { pid: 8, comm: 'old', bootId: '4'.repeat(32), signal: 6 } }
  const back = async (before: object, left: object = {}) => {
    const behind = {
      before: { id: EARLIER, journal: 'cut', remembered: undefined, ...before },
      logs: [],
      unread: undefined,
    }
    const cores = { ...listed, cores: [core, older] }
    return (await lookBack(root, cores, { ...behind, ...left } as Parameters<typeof lookBack>[2], unhurried())).map(
      ({ boot, sentence }) => `${boot}: ${sentence}`,
    )
  }
  const dead = [
    'this: A process of then.service was ended by SIGSEGV; no core was found.',
    'this: then (pid 7) was ended by SIGABRT.',
  ]
  const wordless = 'this: The host went without a word: no ordered stop and no panic is on record.'
  const old = 'earlier: old (pid 8) was ended by SIGABRT, in an earlier boot.'
  t.same(await back({}), [...dead, wordless, old])
  t.same(await back({ journal: 'closed' }), [...dead, old])
  const remembered = { id: EARLIER, stored: [], captured: false }
  const ordered = 'this: The host was stopped in order, and its end was not captured.'
  t.same(await back({ journal: 'closed', remembered }), [...dead, ordered, old])
  t.same(await back({ journal: 'closed', remembered: { ...remembered, captured: true } }), [...dead, old])
  t.same(await back({ id: undefined, journal: 'none' }), [
    'unknown: then (pid 7) was ended by SIGABRT.',
    'unknown: old (pid 8) was ended by SIGABRT.',
    'this: How the host went is not on record: there is no journal of it, and its end was not captured.',
    'this: Whether anything else had crashed is not known: the journal has nothing of that boot.',
  ])
  const panic = { artifact: 'pstore/a.txt.zst', text: '[ 1.0] Kernel panic - not syncing: sysrq triggered crash' }
  const panicked = await back({}, { logs: [panic], unread: 'could not all be read' })
  t.same(panicked, [
    'this: The kernel panicked as it was told to by sysrq.',
    ...dead,
    'this: Whether anything else had crashed is not known: what the kernel left could not all be read.',
    old,
  ])
})

/** What lookBack says of a boot whose journal these files are. */
async function backAt(root: string, more: { remembered?: object; journal?: string; logs?: readonly object[] } = {}) {
  const { remembered, journal = 'cut', logs = [] } = more
  const left = { before: { id: '2'.repeat(32), journal, remembered }, logs, unread: undefined }
  const found = await lookBack(root, listed, left as unknown as Parameters<typeof lookBack>[2], unhurried())
  return found.map(({ kind, rule, sentence, evidence }) =>
    [kind, rule ?? '-', sentence, ...evidence.map(({ artifact, entry }) => `${artifact}${entry ?? ''}`)].join(' '),
  )
}
const WORDLESS = 'unknown - The host went without a word: no ordered stop and no panic is on record.'

t.test(
  'the rules look at the boot before, too: at what its kernel and services said last, and which units failed',
  async (t) => {
    const EARLIER = '2'.repeat(32)
    const ARCHIVED = SYSTEM.replace('.journal', '@1.journal~')
    const kernel = (text: string, facility = 0): Fields => [
      ...[`MESSAGE=${text}`, '_TRANSPORT=kernel', `SYSLOG_FACILITY=${facility}`],
    ]
    const fails = (unit: string) =>
      manager('MESSAGE_ID=d9b373ed55a64feb8242e02dbe79a49c', `UNIT=${unit}`, 'UNIT_RESULT=timeout')
    const restarts = (unit: string) => manager('MESSAGE_ID=5eb03494b6584870a536b337290809b3', `UNIT=${unit}`)
    const unnamed = ['MESSAGE=Could not resolve host: db', '_SYSTEMD_UNIT=web.service']
    const entries = [
      fails('shop.service'),
      ...[fails('better.service'), restarts('better.service')],
      kernel(
        'Out of memory: Killed process 812 (java) total-vm:9kB, anon-rss:9kB, file-rss:0kB, shmem-rss:0kB, UID:33',
      ),
      kernel('Buffer I/O error on dev vdb, logical block 1, async page read'),
      kernel('Buffer I/O error on dev vdc, logical block 1, async page read', 1),
      ...[unnamed, unnamed, unnamed],
    ]
    const files = (more: readonly Fields[] = [], boot = EARLIER) => ({
      [SYSTEM]: writeJournal([kernel('Buffer I/O error on dev vdd, logical block 1, async page read')], BOOT),
      [ARCHIVED]: writeJournal([...entries, ...more], boot, false, 'f12e'.repeat(8)),
    })
    const dead = 'oom - java (pid 812) was killed by the kernel for want of memory. journal'
    const suffered = [
      'failed disk The disk vdb has failed reads or writes, 1 on record. journal',
      'failed names web.service could not resolve names, as it has said 3 times within ten minutes. journal',
      'failed unit-failed shop.service has failed: it took too long. journal',
    ]
    const all = (await backAt(host(t, files()))).map((line) => line.replace('oom oom-host', 'oom -'))
    t.same(all, [dead, ...suffered, WORDLESS])
    t.same(await backAt(host(t, files([], '4'.repeat(32)))), [WORDLESS], 'those of an earlier one tell nothing of it')

    const clock = ['MESSAGE=System clock was stepped by 99.0 seconds', '_SYSTEMD_UNIT=chrony.service']
    const hoursAgo = writeJournal(
      [fails('old.service'), clock],
      EARLIER,
      false,
      'f13e'.repeat(8),
      1_699_990_000_000_000,
    )
    const withOld = { ...files(), [SYSTEM.replace('.journal', '@0.journal')]: hoursAgo }
    t.same((await backAt(host(t, withOld))).slice(1), [...suffered, WORDLESS], 'what was hours ago is over')
    const quietly = writeJournal([['MESSAGE=hello']], EARLIER, false, 'f12e'.repeat(8))
    const well = host(t, { [ARCHIVED]: quietly })
    t.same(await backAt(well, { journal: 'closed' }), ['healthy - Nothing had crashed.'], 'who hung is not known')

    const captured = { id: EARLIER, stored: [], captured: true }
    t.same(
      await backAt(host(t, files()), { remembered: captured, journal: 'closed' }),
      ['healthy - Nothing had crashed.'],
      'its own bundle has told',
    )
    const stopped = { remembered: { ...captured, captured: false }, journal: 'closed' }
    const goes = ['MESSAGE_ID=98268866d1d54a499c4e98921d93bc40', '_SYSTEMD_UNIT=systemd-logind.service']
    const late = [
      fails('late.service'),
      ...Array(3).fill(['MESSAGE=Could not resolve host', '_SYSTEMD_UNIT=l.service']),
    ]
    const inOrder = await backAt(host(t, files([goes, ...late])), stopped)
    t.same(inOrder.slice(1, 4), suffered, 'what failed while it was being stopped was stopped')

    const text = [
      '<4>[   98.5] Buffer I/O error on dev vdb, logical block 1, async page read',
      '<4>[   99.0] Buffer I/O error on dev vde, logical block 1, async page read',
      '<12>[   99.1] Buffer I/O error on dev vdf, logical block 1, async page read',
      '<4>[   99.2] Oops: 0002 [#1] PREEMPT SMP NOPTI',
      '<0>[   99.3] Kernel panic - not syncing: Fatal exception',
    ].join('\n')
    const panicked = await backAt(host(t, files()), { logs: [{ artifact: 'pstore/a.txt.zst', text }] })
    t.match(panicked[0], /^panic - The kernel panicked after a fault in its own code\. pstore\/a/)
    t.same(
      panicked.filter((line) => / (?:disk|oops) /.test(line)),
      [
        'failed disk The disk vde has failed reads or writes, 1 on record. journal pstore/a.txt.zst',
        `${suffered[0]} pstore/a.txt.zst`,
      ],
    )
  },
)

t.test('two services that crash while the host goes down, when no core is stored any more', async (t) => {
  const handler = (pid: number, signal: string, ...more: readonly string[]) => [
    `MESSAGE=Process ${pid} (fragile) of user 33 terminated abnormally with signal ${signal}, processing...`,
    ...['_UID=0', 'SYSLOG_IDENTIFIER=systemd-coredump', ...more],
  ]
  const entries = [
    handler(377, '6/ABRT'),
    handler(387, '11/SEGV'),
    exit('abrt.service', 'dumped', 6),
    exit('segv.service', 'dumped', 11),
    [
      'MESSAGE=Process 9 (forged) of user 0 terminated abnormally with signal 11/SEGV, ',
      '_UID=1000',
      'SYSLOG_IDENTIFIER=systemd-coredump',
    ],
  ]
  const root = host(t, { ...quiet, [SYSTEM]: writeJournal(entries, BOOT) })
  t.same(await told(root), [
    'fragile (pid 387) of segv.service was ended by SIGSEGV; no core was found.',
    'fragile (pid 377) of abrt.service was ended by SIGABRT; no core was found.',
  ])
})

t.test('a crash whose core systemd-coredump could not store, and one whose core is there', async (t) => {
  const entry = (pid: number) => [
    ...crash(pid, [`COREDUMP_COMM=shop`, `COREDUMP_EXE=/opt/shop`, 'COREDUMP_SIGNAL=11']),
    ...from(coredumpUnit(pid), 998),
  ]
  const root = host(t, { ...quiet, [SYSTEM]: writeJournal([entry(7), entry(8)], BOOT) })
  const core = { name: 'cores/shop.7.core.zst', identity: { pid: 7, bootId: BOOT, signal: 11 } }
  const lines = await told(root, { cores: [core] } as object)
  t.equal(lines.length, 2)
  t.match(lines[0], /^\/opt\/shop \(pid 8\) of .* was ended by SIGSEGV; no core was found\.$/)
  t.match(lines[1], /^\/opt\/shop \(pid 7\) of .* was ended by SIGSEGV\.$/)
})

t.test('a process that dumps a core which nobody can take, and a directory that could not be read', async (t) => {
  const gap = { source: 'cores', class: 'memory', status: 'failed', reason: 'x' } as const
  const dumping = { ...gap, identity: { pid: 7, comm: 'shop', unit: 'shop.service' } }
  const root = host(t, quiet)
  t.same(await told(root, { gaps: [dumping] } as object), ['shop (pid 7) of shop.service crashed; no core was found.'])
  t.same(await told(root, { gaps: [gap] } as object), [
    'Whether anything had crashed is not known: the directories of cores could not all be read.',
  ])
})

t.test("the kernel's own words, and not what programs write into its log", async (t) => {
  const kmsg = [
    '6,9,500000000,-;shop[812]: segfault at 0 ip 0000 sp 0000 error 6 in shop[1+1]',
    '14,10,500000001,-;forged[813]: segfault at 0 ip 0000 sp 0000 error 6',
    '',
  ].join('\n')
  const [line, ...others] = await told(host(t, { ...quiet, 'dev/kmsg': kmsg }))
  t.equal(line, 'shop (thread 812) was ended by SIGSEGV; no core was found.')
  t.same(others, [])
})

t.test('kills by their counts: of groups themselves, not of those below them', async (t) => {
  const tree = 'sys/fs/cgroup'
  const events = (kills: number) => `low 0\nhigh 0\nmax 0\noom 0\noom_kill ${kills}\n`
  const root = host(t, {
    ...{ ...quiet, 'proc/vmstat': 'oom_kill 3\n' },
    'proc/self/mountinfo': '30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n',
    [`${tree}/system.slice/memory.events`]: events(2),
    [`${tree}/system.slice/memory.events.local`]: events(0),
    [`${tree}/system.slice/shop.service/memory.events`]: events(2),
    [`${tree}/system.slice/shop.service/memory.events.local`]: events(2),
    [`${tree}/system.slice/fine.service/memory.events`]: events(0),
    [`${tree}/system.slice/fine.service/memory.events.local`]: events(0),
  })
  t.same(await told(root), [
    '2 processes of shop.service were killed by the kernel for want of memory.',
    '1 process was killed by the kernel for want of memory.',
  ])
})

t.test('who died in a pod is told by its name, and not by the id of a container', async (t) => {
  const id = 'c0ffee'.padEnd(64, '0123456789abcdef')
  const group = `sys/fs/cgroup/kubepods.slice/kubepods-pod1.slice/cri-containerd-${id}.scope`
  const events = (kills: number) => `low 0\nhigh 0\nmax 0\noom 0\noom_kill ${kills}\n`
  const root = host(t, {
    ...{ ...quiet, 'proc/vmstat': 'oom_kill 2\n' },
    'proc/self/mountinfo': '30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n',
    ...Object.fromEntries(
      ['sys/fs/cgroup/kubepods.slice', 'sys/fs/cgroup/kubepods.slice/kubepods-pod1.slice', group].flatMap((path) => [
        [`${path}/memory.events`, events(2)],
        [`${path}/memory.events.local`, events(path === group ? 2 : 0)],
      ]),
    ),
    [`var/log/containers/shop-1_web_shop-${id}.log`]: '',
  })
  const [first] = await lookAround(root, listed, NO_VITALS, unhurried())
  t.match(first, {
    subject: { container: id, pod: 'shop-1', namespace: 'web', containerName: 'shop' },
    sentence: '2 processes of shop in pod web/shop-1 were killed by the kernel for want of memory.',
  })
})

t.test('units: killed by systemd-oomd, started anew again and again, failed', async (t) => {
  const of = (id: string, unit: string, ...more: readonly string[]) =>
    manager(`MESSAGE_ID=${id}`, `UNIT=${unit}`, ...more)
  const restart = of('5eb03494b6584870a536b337290809b3', 'loop.service', 'N_RESTARTS=1')
  const entries = [
    of('d989611b15e44c9dbf31e3c81256e4ed', 'leak.service', 'N_PROCESSES=3'),
    ...[restart, restart, restart],
    ...Array(3).fill(of('d9b373ed55a64feb8242e02dbe79a49c', 'loop.service', 'UNIT_RESULT=exit-code')),
    of('d9b373ed55a64feb8242e02dbe79a49c', 'shop.service', 'UNIT_RESULT=timeout'),
    ...Array(3).fill(restart.filter((field) => field !== '_PID=1').map((field) => field.replace('loop', 'forged'))),
  ]
  const root = host(t, { ...quiet, [SYSTEM]: writeJournal(entries, BOOT) })
  const vitals = { evidence: { failed: ['shop.service', 'leak.service'] }, unseen: [], rules: [] }
  const began = 1_700_000_060_000
  const found = await lookAround(root, { ...listed, began }, Promise.resolve(vitals), unhurried())
  t.same(
    found.map(({ kind, rule, sentence }) => `${kind} ${rule}: ${sentence}`),
    [
      'oom oom-oomd: leak.service was killed by systemd-oomd for want of memory.',
      'failed flapping: loop.service was started anew 3 times within ten minutes.',
      'failed unit-failed: shop.service has failed: it took too long.',
    ],
  )
})

t.test('vital signs that were not taken in time are not well', async (t) => {
  const unseen = [{ place: 'systemd', why: 'did not say which units have failed' }] as const
  const found = async (vitals: Parameters<typeof lookAround>[2]) =>
    (await lookAround(host(t, quiet), listed, vitals, unhurried())).map(({ kind, sentence }) => `${kind}: ${sentence}`)
  t.same(await found(Promise.resolve({ evidence: {}, rules: [], unseen })), [
    'unknown: Whether anything had failed is not known: systemd did not say which units have failed.',
  ])
  t.same(await found(Promise.reject(new DOMException('late', 'TimeoutError'))), [
    'unknown: Whether anything had hung is not known: the processes did not answer in time.',
  ])
})
