import t from 'tap'
import { detailsSchema } from '../../agent/bundle/details-schema.ts'
import {
  readAttended,
  readBootBefore,
  readFailure,
  readGap,
  readHealth,
  readListedItem,
  readTaken,
  readWhy,
  unreadable,
} from '../../agent/wall/read-answers.ts'
import type { Details } from '../../agent/words/details.ts'

const item = {
  id: 'cores:a',
  source: 'cores',
  name: 'cores/app@1.2-3_x.core.zst',
  class: 'memory',
  phase: 'stored',
  encoding: 'as-is',
  bytes: 1,
  ratio: 1,
  value: 1,
  identity: {},
  sealed: true,
}

t.test('what is as promised is believed', async (t) => {
  t.same(readListedItem(item), item)
  const closed = { ...item, closed: 'because', patience: 1000, when: 'trouble' }
  t.same(readListedItem(closed), closed)
  t.same(readListedItem({ ...item, more: 1 }), item, 'and nothing beside it')
  t.ok(readGap({ source: 'cores', class: 'memory', status: 'absent', reason: 'nothing crashed' }))
  t.ok(readTaken({ bytesIn: 0, ms: 1.5 }))
  const announced = { shutdown: 'announced', within: 1_800_000 }
  for (const told of [{ held: false }, announced, { shutdown: 'cancelled' }]) t.same(readAttended(told), told)
  const wrong = [{}, { held: 1 }, { shutdown: 'x' }, { ...announced, within: -1 }, { ...announced, within: 1_800_001 }]
  for (const told of wrong) t.throws(() => readAttended(told), /cannot trust the collector/)
})

t.test('a name that would leave the bundle, or any wrong type, is not', async (t) => {
  const names = [
    '',
    '/a',
    'a//b',
    '../a',
    'a/../b',
    'a/..',
    './a',
    'a/',
    'a b',
    'a\n',
    'a?b',
    'a%2e',
    'a%',
    'a%2',
    'a/%2E/b',
    'a/.%2E',
    'a/%2E%2E/b',
    'a%2Fb',
    'a%00',
    'ü',
    'a'.repeat(729),
    7,
  ]
  for (const name of ['files/%2Ecache/gr%C3%B6%C3%9Fe.log@12.zst', 'a'.repeat(728)])
    t.equal(readListedItem({ ...item, name }).name, name)
  for (const name of names) t.throws(() => readListedItem({ ...item, name }), /its name is not/, JSON.stringify(name))
  for (const key of Object.keys(item)) {
    t.throws(() => readListedItem({ ...item, [key]: [] }), /cannot trust the collector/, key)
    t.throws(() => readListedItem({ ...item, [key]: undefined }), /cannot trust the collector/, key)
  }
  for (const bad of [null, [], 'x', 3, { source: 'cores', class: 'memory', status: 'fine', reason: '' }])
    t.throws(() => readGap(bad), /cannot trust the collector/)
  for (const bad of [{}, { bytesIn: -1, ms: 1 }, { bytesIn: 1, ms: Number.NaN }, { bytesIn: 1, ms: 1, identity: 3 }])
    t.throws(() => readTaken(bad), /cannot trust the collector/)
})

t.test('of the boot before: which it is, and how its journal ends', async (t) => {
  const id = '2'.repeat(32)
  t.equal(readBootBefore({}), undefined)
  t.same(readBootBefore({ before: { id, journal: 'cut', x: 1 } }), { id, journal: 'cut' })
  t.same(readBootBefore({ before: { journal: 'none' } }), { journal: 'none' })
  for (const bad of [null, [], { journal: 'odd' }, { id: 'x', journal: 'cut' }, { id }])
    t.throws(() => readBootBefore({ before: bad }), /cannot trust the collector/)
  t.throws(() => readListedItem({ ...item, mark: '../x' }), /its mark is not/)
})

t.test('a field of an identity that cannot be costs itself, and is named', async (t) => {
  const identity = {
    pid: 7,
    uid: Number.NaN,
    at: null,
    comm: 'a\x1b[2J\u202e',
    claimed: 1,
    path: 'p'.repeat(9000),
    x: 1,
  }
  const read = readListedItem({ ...item, identity }).identity
  t.match(read, {
    pid: 7,
    comm: 'a\\u{1b}[2J\\u{202e}',
    note: 'what the collector said of uid, at, claimed cannot be',
  })
  t.strictSame(Object.keys(read).sort(), ['comm', 'note', 'path', 'pid'])
  t.equal(read.path?.length, 4096)
  t.same(readListedItem({ ...item, identity: read }).identity, read, 'once is as good as twice')
  t.match(readTaken({ bytesIn: 2 ** 70, ms: 1, frames: 1.4, identity: { torn: Infinity, freezeMs: -1, note: 'n' } }), {
    ...{ bytesIn: Number.MAX_SAFE_INTEGER, frames: 1 },
    identity: { note: 'what the collector said of torn, freezeMs cannot be; n' },
  })
  t.match(readGap({ source: 'cores', class: 'memory', status: 'failed', reason: 'r', identity: { uid: '0' } }), {
    identity: { note: /uid cannot be/ },
  })
})

t.test('details: what is not as it should be is left out, and lists and texts are bounded', async (t) => {
  const told = (details: unknown) => readListedItem({ ...item, identity: { details } }).identity
  const thread = {
    pid: 1,
    comm: 'a\x1b',
    tid: 2,
    name: 'n'.repeat(900),
    stand: 'blocked',
    blocked: true,
    wchan: 7,
    x: 1,
  }
  const stacks = { source: 'stacks', processes: 3, stuck: Number.NaN, threads: [{ pid: 1 }, thread, 5], more: 'no' }
  const read = told(stacks).details
  t.strictSame(read, {
    ...{ source: 'stacks', processes: 3 },
    threads: [{ pid: 1, comm: 'a\\u{1b}', tid: 2, name: `${'n'.repeat(63)}…`, stand: 'blocked', blocked: true }],
  })
  t.strictSame(told(read).details, read, 'once is as good as twice')
  const many = told({ source: 'live', missed: Array(99).fill('m'.repeat(9000)), trouble: { kind: 'odd' } }).details
  t.match(many, { source: 'live', missed: Array(16).fill(/^m{299}…$/), trouble: undefined })
  t.strictSame(told({ source: 'live', trouble: { kind: 'short', group: 'a' } }).details, { source: 'live' })
  for (const bad of [
    3,
    null,
    [],
    {},
    { source: 'x' },
    { source: 'toString' },
    { source: 'stacks' },
    { source: 'journal', entries: '1' },
  ])
    t.match(
      told(bad),
      { details: undefined, note: 'what the collector said of details cannot be' },
      JSON.stringify(bad),
    )
})

t.test('details: each source’s are read as a bundle has them', async (t) => {
  const thread = {
    pid: 1,
    comm: 'c',
    unit: 'u',
    tid: 2,
    name: 'n',
    stand: 'spinning',
    blocked: false,
    wchan: 'w',
    call: 'read',
  } as const
  const grew = [{ pid: 1, comm: 'c', unit: 'u', grown: 2, memory: 3, killed: true }]
  const recorded = { recorded: 4, available: { from: 3, least: 2 }, grew }
  const all: readonly Details[] = [
    { source: 'facts', processes: 3, ...recorded, leftOut: [{ path: 'p', reason: 'r', times: 2 }], leftOutKinds: 20 },
    { source: 'stacks', processes: 1, looks: 2, stuck: 1, threads: [thread], partial: 1, narrow: 1 },
    { source: 'live', by: 'gdb', missed: ['m'], beyond: 1, late: 2, ended: true },
    { source: 'live', trouble: { kind: 'blocked', comm: 'c', tid: 1, wchan: 'w' } },
    { source: 'live', trouble: { kind: 'failed' } },
    { source: 'live', trouble: { kind: 'stopping' } },
    { source: 'live', trouble: { kind: 'killed', comm: 'c', pid: 1, count: 2 } },
    { source: 'live', trouble: { kind: 'short', group: 'g', percent: 95 } },
    {
      ...{
        source: 'memory',
        scope: 'kernel',
        costs: [{ scope: 'all', bytes: 1, ms: 2 }],
        unfit: { scope: 'all', bytes: 1 },
      },
      ...{
        more: true,
        whole: ['tasks'],
        pages: 3,
        compared: 2,
        torn: [{ of: 'objects', pages: 1 }],
        unread: 1,
        kernel: '6.1',
      },
    },
    {
      ...{ source: 'traces', processes: 2, crashed: 1, threads: 9, frames: 40, named: 39 },
      fingerprints: [
        { of: 'crash', path: '/var/crash/core', at: 9, pid: 8, fingerprint: '1-0123456789abcdef' },
        { of: 'deadlock', pid: 7, fingerprint: '1-0123456789abcdef' },
      ],
    },
    { source: 'executables', comm: 'c', pid: 1 },
    { source: 'journal', entries: 1, from: 1, to: 2, open: 'o', headerBytes: 3 },
    { source: 'files', count: 2, first: [{ path: '/var/log/a', bytes: 1 }], unread: 1 },
    {
      ...{ source: 'files', size: 9, from: 1, to: 12, older: true, rotated: 'a.log.1' },
      ...{ uid: 1000, gid: 4, mode: 0o640, modified: 5 },
    },
    { source: 'cores', thread: 1, unfinished: true, unasked: 'u' },
  ]
  for (const details of all) {
    t.strictSame(readListedItem({ ...item, identity: { details } }).identity.details, details)
    t.strictSame(detailsSchema.parse(details), details)
  }
})

t.test('texts are bounded, and all of them can be seen', async (t) => {
  const gap = { source: 'cores', class: 'memory', status: 'failed' }
  t.equal(readGap({ ...gap, reason: 'r\n'.repeat(9000) }).reason.length, 4000)
  t.match(readTaken({ bytesIn: 1, ms: 1, truncated: 'a\nb' }).truncated, 'a\\u{a}b')
  t.throws(() => readGap({ ...gap, reason: 'r', because: 'fate' }), /its because is not/)
  t.same(readWhy({ kind: 'reboot', by: 'logind\x07' }), { kind: 'reboot', by: 'logind\\u{7}' })
  t.same(readWhy({ kind: 'toString', by: 4 }), { kind: 'unknown' })
  t.same(readFailure({ reason: 4, because: 'fate' }), { reason: 'it did not say why', because: 'collector' })
  t.same(readHealth({ version: '1', problems: ['a', 2], closed: 'c' }), {
    version: '1',
    problems: ['a', 'something that is no text'],
    closed: 'c',
  })
  const { problems } = readHealth({ version: '1', problems: Array(300).fill('p'.repeat(1000)) })
  t.strictSame([problems.length, problems.at(-1)], [17, 'and 284 other problems'])
  for (const bad of [{}, { version: 1, problems: [] }, { version: '1', problems: 'none' }])
    t.throws(() => readHealth(bad), /cannot trust the collector/)
})

t.test('what cannot be read becomes a gap that says so', async (t) => {
  const error = new Error('its id is not')
  t.same(unreadable({ ...item, id: 3 }, error), {
    ...{ source: 'cores', class: 'memory', status: 'failed', because: 'collector' },
    reason: 'cores/app@1.2-3_x.core.zst: its id is not',
  })
  for (const bad of [null, 3, 'x', [], { source: 'constructor', class: 'secret' }])
    t.match(unreadable(bad, error), { source: 'collector', class: 'open', status: 'failed', reason: 'its id is not' })
})
