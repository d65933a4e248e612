import t from 'tap'
import { kernelDeaths } from '../../agent/findings/kernel-words.ts'

const deaths = (...texts: readonly string[]) =>
  kernelDeaths(texts.map((text, i) => ({ at: 1000 + i, text }))).map(({ kind, subject, tid, signal }) => ({
    kind,
    ...subject,
    ...(tid !== undefined && { tid }),
    ...(signal !== undefined && { signal }),
  }))

t.test('what kernels say of processes that crash', (t) => {
  // Copied from Linux 6.1, 6.12 and 6.18 on x86-64, and 6.1 on arm64.
  const said: readonly (readonly [string, object])[] = [
    [
      'shop[812]: segfault at 0 ip 000055d5c0a5d139 sp 00007ffd5a5b3b90 error 6 in shop[55d5c0a5d000+1000] likely on CPU 1 (core 1, socket 0)',
      { comm: 'shop', tid: 812, signal: 11 },
    ],
    ['a b[c]: x[9]: segfault at 8 ip 0000 sp 0000 error 4', { comm: 'a b[c]: x', tid: 9, signal: 11 }],
    [
      'traps: shop[812] general protection fault ip:55d5c0a5d139 sp:7ffd5a5b3b90 error:0 in shop[55d5c0a5d000+1000]',
      { comm: 'shop', tid: 812, signal: 11 },
    ],
    ['traps: shop[812] trap invalid opcode ip:401000 sp:7ffd error:0 in shop[401000+1000]', { signal: 4 }],
    ['traps: shop[812] trap divide error ip:401000 sp:7ffd error:0', { signal: 8 }],
    ['traps: shop[812] trap bounds ip:401000 sp:7ffd error:0', { comm: 'shop', tid: 812 }],
    [
      'shop[812]: unhandled exception: DABT (lower EL), ESR 0x0000000092000046, level 2 translation fault in shop[400000+1000]',
      { comm: 'shop', tid: 812 },
    ],
    ['coredump: 812(shop): over coredump resource limit, skipping core dump', { comm: 'shop', pid: 812 }],
    ['Pid 812(shop) over core_pipe_limit', { comm: 'shop', pid: 812 }],
  ]
  for (const [text, expected] of said) t.match(deaths(text), [{ kind: 'crash', ...expected }], text)
  t.end()
})

t.test('who was killed for want of memory, and in which unit', (t) => {
  const group = (path: string, task: string, pid: number) =>
    `oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/system.slice,task_memcg=${path},task=${task},pid=${pid},uid=33`
  t.same(
    deaths(
      group('/system.slice/shop.service', 'java', 812),
      'Memory cgroup out of memory: Killed process 812 (java) total-vm:2904872kB, anon-rss:254468kB, file-rss:2048kB, shmem-rss:0kB, UID:33 pgtables:800kB oom_score_adj:0',
    ),
    [{ kind: 'oom', comm: 'java', pid: 812, uid: 33, unit: 'shop.service' }],
  )
  t.same(
    deaths('Out of memory: Killed process 9 (a) b) total-vm:1kB, anon-rss:1kB'),
    [{ kind: 'oom', comm: 'a) b', pid: 9 }],
    'of the whole host, without the line before',
  )
  const docker = `/system.slice/docker-${'a1'.repeat(32)}.scope`
  t.match(deaths(group(docker, 'x', 7), 'Memory cgroup out of memory: Killed process 7 (x) total-vm:1kB'), [
    { unit: `docker-${'a1'.repeat(32)}.scope`, container: 'a1'.repeat(32) },
  ])
  t.same(deaths('oom_reaper: reaped process 812 (java), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB'), [])
  t.end()
})

t.test('a name is a name, whatever a user has made of it', (t) => {
  // The name of a process is 15 bytes, and that of a group is its path.
  t.same(deaths('x[1]: segfault a[9]: segfault at 0 ip 0 sp 0 error 4'), [], 'longer than any name')
  t.same(deaths('Out of memory: Killed process 9 (1]: segfault at) total-vm:1kB'), [
    { kind: 'oom', comm: '1]: segfault at', pid: 9 },
  ])
  const forged = 'oom-kill:constraint=x,task_memcg=/u/real.service,task=,task_memcg=/x,pid=8,uid=1000'
  t.match(deaths(forged, 'Out of memory: Killed process 8 (x) total-vm:1kB'), [{ unit: 'real.service' }])
  t.same(
    deaths(' shop[812]: segfault at 0 ip 0 sp 0 error 4', 'audit: type=1 comm="shop[812]: segfault at 0 ip 0"').length,
    1,
    'a line begins with the name',
  )
  t.match(deaths('\u202ex[1]: segfault at 0 ip 0 sp 0 error 4'), [{ kind: 'crash', tid: 1 }])
  t.notOk(
    'comm' in (deaths('\u202ex[1]: segfault at 0 ip 0 sp 0 error 4')[0] ?? {}),
    'one that is not plain is left out',
  )
  t.end()
})
