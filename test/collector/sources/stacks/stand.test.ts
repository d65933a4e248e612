import t from 'tap'
import type { HostProcess } from '../../../../agent/collector/processes/host-process.ts'
import { standsOf } from '../../../../agent/collector/sources/stacks/stand.ts'
import { stuckThreads } from '../../../../agent/collector/sources/stacks/stuck-threads.ts'
import {
  parseFrames,
  parseSchedule,
  parseSystemCall,
  type Thread,
} from '../../../../agent/collector/sources/stacks/thread.ts'
import { threadTable, threadText } from '../../../../agent/collector/sources/stacks/thread-table.ts'
import type { Stand } from '../../../../agent/words/details.ts'

const SLEEPS = '202 0x7f0000000010 0x80 0x2 0x0 0x0 0x0 0x7ffd00000000 0x7f0000001000\n'
const JOINS = '202 0x7f0000000910 0x109 0x2f 0x0 0x0 0xffffffff 0x7ffd00000000 0x7f0000001000\n'
const TIMED = '202 0x7f0000000010 0x89 0x2 0x7ffe0000 0x0 0xffffffff 0x7ffd00000000 0x7f0000001000\n'
const POLLS = '232 0x5 0x7f00 0x20 0xffffffff 0x0 0x8 0x7ffd00000000 0x7f0000001000\n'

function thread(tid: number, more: Partial<Thread> = {}, call = ''): Thread {
  return {
    pid: 300,
    tid,
    comm: 'shop',
    state: 'S',
    cpu: 1,
    wanted: 1,
    at: 0,
    frames: [],
    ...parseSystemCall(call, 'x64'),
    ...more,
  }
}

t.test('system calls and kernel stacks as /proc has them', async (t) => {
  t.strictSame(parseSystemCall('running\n', 'x64'), {})
  t.strictSame(parseSystemCall('', 'x64'), {})
  t.strictSame(parseSystemCall('-1 0x7ffd 0x7f01\n', 'x64'), { sp: '0x7ffd', ip: '0x7f01' })
  t.match(parseSystemCall(POLLS, 'x64'), { call: { name: 'epoll_wait', args: [5n] }, sp: '0x7ffd00000000' })
  t.equal(parseSystemCall(SLEEPS.replace('202', '98'), 'arm64').call?.name, 'futex')
  t.equal(parseSystemCall(SLEEPS.replace('202', '9999'), 'x64').call?.name, '9999')
  t.equal(parseSystemCall(SLEEPS.replace('202', '2'), 'x64').call?.name, '2', 'no part of another number')
  t.equal(parseSchedule('1500000000 500000000 7\n'), 2)
  t.equal(parseSchedule(''), undefined)
  const frames = ['ep_poll+0x1/0x2', 'do_epoll_wait+0x3/0x4 [ext4]']
  t.strictSame(parseFrames(`[<0>] ${frames[0]}\n[<ffffffff81>] ${frames[1]}\nnonsense\n`), frames)
})

/** Looks a second apart. */
const stands = (first: Thread[], second: Thread[]): (Stand | undefined)[] => {
  const found = standsOf(
    first,
    second.map((thread) => ({ ...thread, at: 1000 })),
  )
  return second.map(({ tid }) => found.get(tid))
}

t.test('what two looks tell of a thread', async (t) => {
  const one = (a: Partial<Thread>, b: Partial<Thread>, call = POLLS) =>
    stands([thread(1, a, call)], [thread(1, b, call)])[0]
  t.equal(one({}, {}), 'still')
  t.equal(one({ state: 'D' }, { state: 'D' }), 'blocked')
  t.equal(one({ state: 'D' }, {}), 'moved')
  t.equal(one({ state: 'D' }, { state: 'D', cpu: 1.01 }), 'moved', 'a busy disk')
  t.equal(one({ ip: '0x1' }, { ip: '0x2' }), 'moved')
  t.equal(one({}, { cpu: 1.01 }), 'moved')
  t.equal(one({ state: 'R' }, { state: 'R', cpu: 1.2, wanted: 1.95 }), 'spinning', 'on a busy host, too')
  t.equal(one({ state: 'R' }, { state: 'R', wanted: 1.5 }), 'moved', 'runs now and then')
  t.equal(one({}, {}, ''), 'unknown')
  t.equal(stands([], [thread(1, {}, POLLS)])[0], 'moved', 'it is new')
  t.equal(
    stands([thread(1, {}, POLLS)], [thread(1, {}, POLLS.replace('232', '219'))])[0],
    'still',
    'a call gone on with',
  )
})

t.test('a deadlock: nobody is left who could wake anybody', async (t) => {
  const both = (...calls: string[]) => {
    const threads = calls.map((call, at) => thread(at + 1, {}, call))
    return stands(threads, threads)
  }
  t.strictSame(both(JOINS, SLEEPS, SLEEPS), ['deadlock?', 'deadlock?', 'deadlock?'])
  t.strictSame(both(POLLS, SLEEPS, SLEEPS), ['still', 'still', 'still'], 'one waits for the world')
  t.strictSame(both(TIMED, SLEEPS), ['still', 'still'], 'one will wake by itself')
  t.strictSame(both(JOINS), ['still'], 'another process could wake it')
  t.strictSame(stands([thread(1, {}, SLEEPS)], [thread(1, {}, SLEEPS), thread(2, {}, SLEEPS)]), ['still', 'moved'])
})

const shop: HostProcess = {
  ...{ pid: 300, comm: 'shop', state: 'S', threads: 2, start: 1, memory: 1, own: 1 },
  ...{ cgroup: '/system.slice/shop.service', unit: 'shop.service', exe: '/srv/shop' },
}
const stood = (process: HostProcess, threads: Thread[], found: [number, Stand][]) => {
  return { process, threads, stands: new Map(found) }
}
const hung = stood(
  shop,
  [
    thread(300, {}, POLLS),
    thread(
      301,
      { comm: 'io\x1b[2J', state: 'D', wchan: 'rpc_wait', frames: ['rpc_wait+0x1/0x2', 'nfs_read+0x3/0x4'] },
      SLEEPS,
    ),
  ],
  [
    [300, 'still'],
    [301, 'blocked'],
  ],
)
const idle = stood({ ...shop, pid: 400, comm: 'idle' }, [thread(400, { comm: 'idle' }, POLLS)], [[400, 'still']])

t.test('of processes that hang, the thread that matters first', async (t) => {
  const blocked = {
    ...{ pid: 300, comm: 'shop', unit: 'shop.service', tid: 301, name: 'io\x1b[2J' },
    ...{ blocked: true, wchan: 'rpc_wait', call: 'futex' },
  }
  t.strictSame(stuckThreads([hung, idle], true), [{ ...blocked, stand: 'blocked' }])
  t.strictSame(stuckThreads([idle], true), [])
  const first = { ...hung, stands: new Map() }
  t.strictSame(stuckThreads([first, idle], false), [{ ...blocked, stand: 'unknown' }], 'at one look')
  const dead = stood(shop, [thread(300, {}, SLEEPS)], [[300, 'deadlock?']])
  const spin = stood({ ...shop, pid: 500 }, [thread(500, { state: 'R' })], [[500, 'spinning']])
  t.match(stuckThreads([dead, spin, idle], true), [
    { tid: 300, stand: 'deadlock?', blocked: false },
    { tid: 500, stand: 'spinning', blocked: false },
  ])
  t.strictSame(stuckThreads([dead, spin], false), [], 'one look tells of no more')
})

t.test('golden: the table for programs, and for people', async (t) => {
  t.equal(
    threadTable([hung]),
    [
      'pid\tunit\tcontainer\tpod\tnamespace\tcomm\texe\ttid\tthread\tstate\tstand\twchan\tcall\targs\tcpu\tsp\tip\tkernel_stack',
      '300\tshop.service\t-\t-\t-\tshop\t/srv/shop\t300\tshop\tS\tstill\t-\tepoll_wait\t0x5 0x7f00 0x20 0xffffffff 0x0 0x8\t1.00\t0x7ffd00000000\t0x7f0000001000\t-',
      '300\tshop.service\t-\t-\t-\tshop\t/srv/shop\t301\tio\\u{1b}[2J\tD\tblocked\trpc_wait\tfutex\t0x7f0000000010 0x80 0x2 0x0 0x0 0x0\t1.00\t0x7ffd00000000\t0x7f0000001000\trpc_wait+0x1/0x2 < nfs_read+0x3/0x4',
      '',
    ].join('\n'),
  )
  t.equal(
    threadText([hung, idle]),
    [
      'shop 300  shop.service  /srv/shop',
      '      300  shop    S  epoll_wait  still',
      '      301  io\\u{1b}[2J  D  futex  in rpc_wait  stuck: blocked',
      '             rpc_wait+0x1/0x2',
      '             nfs_read+0x3/0x4',
      '',
      'idle 400  shop.service  /srv/shop',
      '      400  idle  S  epoll_wait  still',
      '',
    ].join('\n'),
  )
})
