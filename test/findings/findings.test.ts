import t from 'tap'
import type { Finding } from '../../agent/bundle/schema.ts'
import type { Death } from '../../agent/findings/death.ts'
import { noEvidence } from '../../agent/findings/evidence.ts'
import { findingsOf, MOST_TOLD } from '../../agent/findings/findings.ts'
import { fuller } from '../../agent/findings/fuller.ts'
import type { Seen } from '../../agent/findings/seen.ts'

const T = Date.UTC(2026, 10, 30, 3)
const began = T + 60_000

const seen = (deaths: readonly Death[], more: Partial<Seen> = {}) =>
  findingsOf({ deaths, kills: 0, began, unseen: [], ...more })

const crash = (witness: Death['witness'], more: Partial<Death>): Death => ({
  ...{ kind: 'crash', witness, boot: 'this', subject: {}, at: T, evidence: [{ artifact: witness }] },
  ...more,
})
const sentences = (findings: readonly Finding[]) => findings.map(({ sentence }) => sentence)

t.test('nothing had crashed only where all was looked at', (t) => {
  t.match(seen([]), [{ kind: 'healthy', certainty: 'certain', sentence: 'Nothing had crashed.' }])
  const unseen = [{ place: 'the journal', why: 'is not there' }] as const
  t.same(sentences(seen([], { unseen })), ['Whether anything had crashed is not known: the journal is not there.'])
  const both = seen([crash('kernel', { subject: { comm: 'shop' }, tid: 8, signal: 11 })], { unseen })
  t.same(sentences(both), [
    'shop (thread 8) was ended by SIGSEGV; no core was found.',
    'Whether anything else had crashed is not known: the journal is not there.',
  ])
  t.end()
})

t.test('four witnesses of one death', (t) => {
  const all = seen([
    crash('systemd', { subject: { unit: 'shop.service' }, signal: 11, at: T + 2000 }),
    crash('kernel', { subject: { comm: 'worker' }, tid: 815, signal: 11, at: T + 900 }),
    crash('core', { subject: { pid: 812, exe: '/opt/shop' }, evidence: [{ artifact: 'cores/shop.812.core.zst' }] }),
    crash('coredump', { subject: { pid: 812, comm: 'shop', unit: 'shop.service' }, signal: 11 }),
  ])
  t.equal(all.length, 1)
  t.match(all[0], {
    ...{ certainty: 'certain', at: T, signal: 11 },
    subject: { pid: 812, comm: 'shop', exe: '/opt/shop', unit: 'shop.service' },
    sentence: '/opt/shop (pid 812) of shop.service was ended by SIGSEGV.',
    evidence: [
      { artifact: 'coredump' },
      { artifact: 'cores/shop.812.core.zst' },
      { artifact: 'kernel' },
      { artifact: 'systemd' },
    ],
  })
  t.end()
})

t.test('three deaths within four seconds, of which one was told to nobody but the kernel', (t) => {
  const kernel = (tid: number, at: number) => crash('kernel', { subject: { comm: 'worker-7' }, tid, signal: 11, at })
  const coredump = (unit: string, pid: number, at: number) =>
    crash('coredump', { subject: { unit, pid, comm: 'crasher' }, signal: 11, at })
  const systemd = (unit: string, at: number) => crash('systemd', { subject: { unit }, signal: 11, at })
  const all = seen([
    ...[kernel(530, T + 6_900), kernel(573, T + 7_950), kernel(607, T + 10_470)],
    ...[coredump('first.service', 562, T + 7_000), coredump('second.service', 596, T + 10_000)],
    ...[
      systemd('foreign.service', T + 6_938),
      systemd('first.service', T + 8_400),
      systemd('second.service', T + 10_900),
    ],
  ])
  t.same(
    all.map(({ subject: { unit, comm, pid, tid } }) => [unit, comm, pid ?? tid]),
    [
      ['second.service', 'crasher', 596],
      ['first.service', 'crasher', 562],
      ['foreign.service', 'worker-7', 530],
    ],
  )
  t.end()
})

t.test('a foreign core_pattern: the kernel knows the process, systemd the unit', (t) => {
  const all = seen([
    crash('kernel', { subject: { comm: 'shop' }, tid: 812, signal: 11 }),
    crash('systemd', { subject: { unit: 'shop.service' }, signal: 11, at: T + 800 }),
    crash('kernel', { subject: { comm: 'other' }, tid: 990, signal: 11, at: T - 30_000 }),
  ])
  t.same(sentences(all), [
    'shop (thread 812) of shop.service was ended by SIGSEGV; no core was found.',
    'other (thread 990) was ended by SIGSEGV; no core was found.',
  ])
  t.end()
})

t.test('deaths that are not the same', (t) => {
  const two = (a: Partial<Death>, b: Partial<Death>, [first, second]: [Death['witness'], Death['witness']]) =>
    seen([crash(first, a), crash(second, b)]).length
  t.equal(two({ subject: { pid: 1 } }, { subject: { pid: 2 } }, ['coredump', 'core']), 2, 'two processes')
  t.equal(
    two({ subject: { pid: 1 } }, { tid: 1, at: T + 7_200_000 }, ['coredump', 'kernel']),
    2,
    'an id that came again',
  )
  t.equal(two({ subject: { pid: 1 }, signal: 6 }, { tid: 9, signal: 11 }, ['coredump', 'kernel']), 2, 'two signals')
  t.equal(two({ tid: 1 }, { tid: 1 }, ['kernel', 'kernel']), 2, 'one witness tells of two')
  const unit = (name: string) => ({ subject: { unit: name } })
  t.equal(two(unit('a.service'), unit('b.service'), ['coredump', 'systemd']), 2, 'two units')
  const [oom, segv] = [
    crash('kernel', { kind: 'oom', subject: { pid: 5 } }),
    crash('coredump', { subject: { pid: 5 } }),
  ]
  t.equal(seen([oom, segv], { kills: 1 }).length, 2, 'two kinds')
  t.end()
})

t.test('what matters most first', (t) => {
  const of = (name: string, more: Partial<Death> = {}) =>
    crash('coredump', { subject: { comm: name, pid: 1 }, ...more })
  const order = seen([
    of('late', { at: began + 1 }),
    of('earlier', { boot: 'earlier', at: T + 5000 }),
    of('old', { at: T - 5000 }),
    crash('core', { claimed: true, subject: { comm: 'claimed', pid: 7, uid: 1000 }, at: T + 9000 }),
    crash('coredump', { at: T + 8000 }),
    of('new', { at: T + 1000 }),
  ])
  t.same(
    order.map(({ subject }) => subject.comm ?? 'nobody'),
    ['new', 'old', 'nobody', 'late', 'claimed', 'earlier'],
  )
  t.same(order.map(({ late, certainty }) => [late ?? false, certainty]).slice(3, 5), [
    [true, 'certain'],
    [false, 'claimed'],
  ])
  t.end()
})

t.test("an earlier boot's crash is not what this one died of", (t) => {
  const all = seen([crash('core', { boot: 'earlier', subject: { comm: 'shop', pid: 7 } })])
  t.same(
    all.map(({ kind, boot }) => [kind, boot]),
    [
      ['healthy', 'this'],
      ['crash', 'earlier'],
    ],
  )
  t.match(all[1]?.sentence, /^shop \(pid 7\) crashed, in an earlier boot/)
  t.end()
})

t.test('kills that nobody has named are counted', (t) => {
  const kill = (unit: string, pid: number): Death => ({
    ...{ kind: 'oom', witness: 'kernel', boot: 'this', subject: { unit, pid, comm: 'java' }, at: T, evidence: [] },
  })
  const group = (unit: string, count: number): Death => ({
    ...{ kind: 'oom', witness: 'cgroup', boot: 'this', subject: { unit }, count, evidence: [] },
  })
  const all = seen([kill('shop.service', 8), group('shop.service', 1), group('mail.service', 2)], { kills: 5 })
  t.same(sentences(all), [
    'java (pid 8) of shop.service was killed by the kernel for want of memory.',
    '2 processes of mail.service were killed by the kernel for want of memory.',
    '2 processes were killed by the kernel for want of memory.',
  ])
  t.equal(seen([kill('shop.service', 8), group('shop.service', 1)], { kills: 1 }).length, 1)
  const unit: Death = { ...kill('shop.service', 8), witness: 'systemd', subject: { unit: 'shop.service' }, at: T + 300 }
  t.equal(seen([kill('shop.service', 8), unit], { kills: 1 }).length, 1, 'systemd tells of the same one')
  t.end()
})

t.test('ten thousand cores, and as many entries of the journal', (t) => {
  const many = Array.from({ length: 10_000 }, (_, pid) => [
    crash('core', { subject: { pid }, evidence: [{ artifact: `cores/${pid}` }] }),
    crash('coredump', { subject: { pid, comm: 'shop' } }),
  ]).flat()
  const all = seen(many)
  t.equal(
    all.reduce((sum, { count = 1 }) => sum + count, 0),
    10_000,
  )
  t.end()
})

t.test('a service that crashes in a loop is told some times, and then as a number', (t) => {
  const loop = Array.from({ length: 100 }, (_, i) =>
    crash('coredump', { subject: { pid: i, comm: 'shop' }, at: T + i }),
  )
  const all = seen(loop)
  t.equal(all.length, MOST_TOLD + 1)
  t.match(all.find(({ count }) => count !== undefined)?.sentence, `${100 - MOST_TOLD} more processes crashed.`)
  t.end()
})

t.test('of two looks the later counts, unless it saw less', (t) => {
  const unseen = [{ place: 'the journal', why: 'did not answer in time' }] as const
  const shop = crash('coredump', { subject: { pid: 1, comm: 'shop' } })
  const late = crash('coredump', { subject: { pid: 2, comm: 'late' } })
  const [healthy, blind, one, two] = [seen([]), seen([], { unseen }), seen([shop]), seen([shop, late], { unseen })]
  t.equal(fuller(healthy, one), one, 'what crashed meanwhile')
  t.equal(fuller(one, blind), one, 'a host that has become slow')
  t.equal(fuller(one, two), two, 'it told of more all the same')
  t.equal(fuller(healthy, blind), healthy)
  t.equal(fuller(blind, healthy), healthy)
  t.equal(fuller(undefined, one), one)
  t.equal(fuller(one, undefined), one)
  t.equal(fuller(undefined, undefined), undefined)
  t.end()
})

t.test('what a host suffers from stands behind who died, and before who died long ago', (t) => {
  const evidence = { ...noEvidence(began), tasks: { used: 100, most: 100 }, failed: ['shop.service', 'mail.service'] }
  const died = (at: number) => crash('kernel', { subject: { unit: 'shop.service', comm: 'shop' }, signal: 11, at })
  const rules = (at: number) => seen([died(at)], { evidence }).map(({ kind, rule }) => rule ?? kind)
  t.same(rules(T), ['crash', 'pids', 'unit-failed'], 'and that its unit has failed is explained')
  t.same(rules(T - 7_200_000), ['pids', 'unit-failed', 'crash'])
  t.match(seen([], { evidence: noEvidence(began) }), [
    { kind: 'healthy', sentence: 'Nothing had crashed, hung, run out or failed.' },
  ])
  t.end()
})

t.test('who killed for want of memory, and who had grown', (t) => {
  const points = [40, 40, 512].map((mib, index) => ({ at: T - 20_000 + index * 10_000, bytes: mib * 2 ** 20 }))
  const evidence = { ...noEvidence(began), history: { memory: [{ unit: 'leak.service', points }] } }
  const killed = (scope: Death['scope'], subject: Death['subject']) =>
    seen([crash('kernel', { kind: 'oom', subject, ...(scope && { scope }) })], { evidence, kills: 1 })
  const [host] = killed('host', { comm: 'shop', pid: 8, unit: 'shop.service' })
  t.match(host, {
    ...{
      kind: 'oom',
      rule: 'oom-host',
      grew: { unit: 'leak.service', from: 40 * 2 ** 20, to: 512 * 2 ** 20, since: T - 10_000 },
    },
    sentence:
      'shop (pid 8) of shop.service was killed by the kernel for want of memory; leak.service had grown most, from 40MiB to 512MiB in 10s.',
  })
  t.match(killed('group', { comm: 'shop', pid: 8 })[0]?.sentence, /for want of memory, at the limit of its group;/)
  t.match(
    killed('oomd', { unit: 'shop.service' })[0]?.sentence,
    /^shop\.service was killed by systemd-oomd for want of memory;/,
  )
  t.end()
})

t.test('what was seen at the first look is not forgotten, whatever the second one tells', (t) => {
  const early = seen([], { evidence: { ...noEvidence(began), tasks: { used: 100, most: 100 } } })
  const told = (late: readonly Finding[]) => fuller(early, late, began)?.map(({ kind, rule }) => rule ?? kind)
  t.same(told(seen([])), ['pids'], 'it is not healthy')
  t.same(told(seen([crash('kernel', { subject: { comm: 'shop' }, signal: 11 })])), ['crash', 'pids'])
  t.same(told(early), ['pids'], 'and told once')
  t.end()
})
