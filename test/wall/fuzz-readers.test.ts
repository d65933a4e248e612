import t from 'tap'
import {
  readAttended,
  readFailure,
  readGap,
  readHealth,
  readListedItem,
  readSession,
  readTaken,
  readWhy,
} from '../../agent/wall/read-answers.ts'
import type { Json } from '../../agent/wall/read-fields.ts'
import { readFinding } from '../../agent/wall/read-finding.ts'
import { Refusal } from '../../agent/wall/refusal.ts'
import { LONGEST_MS, readRequest } from '../../agent/wall/requests.ts'
import { messages } from '../../agent/wall/wire.ts'
import type { Before } from '../../agent/words/evidence.ts'
import { seeded } from '../random.ts'
import { lent } from '../streams/poisoned.ts'
import { conversations } from './conversations.ts'
import { among, anything, damaged, heapAfterCollection, messageOf, mutated, type Random } from './hostile.ts'

const ROUNDS = 4_000
const SAID = [...conversations().values()].flat()
const jsonOf = (bytes: Buffer) => JSON.parse(bytes.toString('utf8', 5))
const REQUESTS = SAID.filter(({ bytes }) => bytes[4] === 1).map(({ bytes }) => jsonOf(bytes))
/** What nobody can see, or takes for something else: control and format characters, ends of lines, halves of characters. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

t.test('a request is one of the protocol, field by field, or refused in a short line', async (t) => {
  const random = seeded(20261201)
  const odd: unknown[] = []
  let taken = 0
  for (let round = 0; round < ROUNDS; round++) {
    const value = random() < 0.1 ? anything(random) : mutated(random, among(random, REQUESTS))
    const json = (typeof value === 'object' && value !== null ? value : {}) as Json
    try {
      const request = readRequest(json)
      taken++
      if (!isRequest(request)) odd.push(request)
    } catch (error) {
      const isRefusal =
        error instanceof Refusal && error.because === 'collector' && /^cannot answer: /.test(error.message)
      if (!isRefusal || error.message.length > 200 || UNSEEN.test(error.message)) odd.push(error)
    }
  }
  t.same(odd, [])
  t.ok(taken > ROUNDS / 10 && taken < ROUNDS, `${taken} were taken`)
})

function isRequest(request: ReturnType<typeof readRequest>): boolean {
  const isTime = (ms: number) => ms >= 0 && ms <= LONGEST_MS
  const isSession = (id: string) => /^[0-9a-f]{16}$/.test(id)
  switch (request.do) {
    case 'open':
      return (
        isTime(request.within) && /^(this|previous)$/.test(request.occasion.boot) && isBefore(request.occasion.before)
      )
    case 'take':
      return isSession(request.session) && request.id.length <= 512 && request.limit >= 0 && request.limit < Infinity
    case 'watch':
      return isSession(request.session)
    case 'findings':
      return isSession(request.session) && isTime(request.within)
    default:
      return Object.keys(request).length === 1
  }
}

function isBefore(before: Before | undefined): boolean {
  if (before === undefined) return true
  const { id, captured, stored } = before
  const areMarks = stored.length <= 1000 && stored.every((mark) => /^[0-9a-f]{16}$/.test(mark))
  return /^[0-9a-f]{32}$/.test(id) && typeof captured === 'boolean' && areMarks && Object.keys(before).length === 3
}

const ITEM = jsonOf(SAID.find(({ bytes }) => bytes.includes('"patience"'))?.bytes as Buffer).item
const FINDING = jsonOf(SAID.find(({ bytes }) => bytes.includes('"finding"'))?.bytes as Buffer).finding
const GREW = { pid: 1, comm: 'c', unit: 'u', grown: 2, memory: 3, killed: true }
const RECORDED = { recorded: 4, available: { from: 3, least: 2 }, grew: [GREW, { grown: 1, memory: 1, killed: false }] }
/** What sources know besides, lists and all. */
const DETAILS = [
  {
    source: 'facts',
    processes: 3,
    ...RECORDED,
    leftOut: [{ path: '/proc/1/maps', reason: 'hung', times: 2 }],
    leftOutKinds: 20,
  },
  {
    ...{ source: 'stacks', processes: 1, looks: 2, stuck: 1, partial: 1, narrow: 1 },
    ...{ gone: 1, goneFirst: [{ pid: 1, comm: 'c', unit: 'u', pod: 'p', namespace: 'n', containerName: 'c' }] },
    threads: [{ pid: 1, comm: 'a', unit: 'a.service', tid: 2, name: 'b', stand: 'still', blocked: true, wchan: 'w' }],
  },
  { source: 'live', trouble: { kind: 'killed', comm: 'java', count: 2 }, by: 'gdb', missed: ['a page'], late: 1 },
  {
    ...{ source: 'memory', scope: 'kernel', costs: [{ scope: 'kernel', bytes: 1, ms: 1 }], pages: 9, kernel: '6.1' },
    ...{ unfit: { scope: 'all', bytes: 1 }, whole: ['tasks'], torn: [{ of: 'user', pages: 1 }] },
  },
  {
    ...{ source: 'traces', processes: 2, crashed: 1, threads: 9, frames: 40, named: 39 },
    fingerprints: [
      { of: 'crash', path: '/var/crash/core', at: 9, pid: 8, fingerprint: '1-0123456789abcdef' },
      { of: 'deadlock', pid: 7, fingerprint: '1-0123456789abcdef' },
    ],
  },
  { source: 'journal', entries: 1, from: 1, to: 2, open: 'no answer', headerBytes: 8 },
  { source: 'cores', thread: 7, unfinished: true, unasked: 'no FFI' },
]
const GAP = { source: 'cores', class: 'memory', status: 'failed', reason: 'r', because: 'host', identity: { pid: 1 } }
const TAKEN = { bytesIn: 1, ms: 1, frames: 2, truncated: 'cut', identity: { at: 1, note: 'n', holes: 3 } }
const HEALTH = { version: '1', problems: ['a', 'b'], closed: 'c' }

const READERS: readonly (readonly [name: string, read: (value: never) => unknown, valid: object, throws: boolean])[] = [
  ['item', readListedItem, ITEM, true],
  ['gap', readGap, GAP, true],
  ['taken', readTaken, TAKEN, true],
  ...DETAILS.map(
    (details) => [`taken, ${details.source}`, readTaken, { ...TAKEN, identity: { details } }, true] as const,
  ),
  ['attended', readAttended, { shutdown: 'announced', within: 5000 }, true],
  ['attended, held', readAttended, { held: true }, true],
  ['attended, waiting', readAttended, { waiting: true }, true],
  ['session', readSession, { session: '0123456789abcdef' }, true],
  ['health', readHealth, HEALTH, true],
  ['finding', readFinding, FINDING, true],
  ['why', readWhy, { kind: 'reboot', by: 'logind' }, false],
  ['failure', readFailure, { reason: 'r', because: 'host' }, false],
]

for (const [name, read, valid, throws] of READERS)
  t.test(`${name}: what is believed is as the protocol has it, and read again the same`, async (t) => {
    const random = seeded(20261202)
    const odd: unknown[] = []
    let believed = 0
    for (let round = 0; round < ROUNDS / 4; round++) {
      const value = mutated(random, valid, 0.06)
      const json = typeof value === 'object' && value !== null ? value : {}
      try {
        const once = read(json as never)
        believed++
        if (UNSEEN.test(stringsOf(once))) odd.push(once)
        if (JSON.stringify(read(once as never)) !== JSON.stringify(once)) odd.push(once)
      } catch (error) {
        if (!throws || !(error instanceof Error) || !error.message.startsWith('cannot trust the collector: '))
          odd.push(error)
      }
    }
    t.same(odd, [])
    t.ok(believed > 50, `${believed} were believed`)
  })

/** All the text in a value that anybody is shown. An item's id goes back as it came, and nowhere else. */
function stringsOf(value: unknown): string {
  if (typeof value === 'string') return value
  const fields = typeof value === 'object' && value !== null ? Object.entries(value) : []
  return fields.map(([name, field]) => (name === 'id' ? '' : stringsOf(field))).join('')
}

async function* inPieces(bytes: Buffer, random: Random): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const piece = bytes.subarray(at, at + 1 + Math.floor(random() * (random() < 0.5 ? 8 : 70_000)))
    yield piece
    at += piece.length
  }
}

for (const from of ['daemon', 'collector'] as const)
  t.test(`the ${from}'s bytes: messages of its own, or an error that says what; nothing is kept`, async (t) => {
    const random = seeded(from === 'daemon' ? 20261203 : 20261204)
    const odd: unknown[] = []
    let [read, refused, before] = [0, 0, 0]
    for (let round = 0; round < ROUNDS / 2; round++) {
      if (round === ROUNDS / 4) before = heapAfterCollection()
      const own = Array.from({ length: 1 + Math.floor(random() * 5) }, () => among(random, SAID).bytes)
      const deep = messageOf(from === 'daemon' ? 1 : 16, { deep: anything(random) })
      const whole = Buffer.concat([...own, ...(random() < 0.2 ? [deep] : [])])
      const bytes = random() < 0.5 ? damaged(random, whole) : whole
      try {
        for await (const { kind } of messages(lent(inPieces(bytes, random)), from)) {
          read++
          if ((kind === 'request' || kind === 'stop') !== (from === 'daemon')) odd.push(kind)
        }
      } catch (error) {
        refused++
        if (!(error instanceof Error) || !/^cannot /.test(error.message) || error.message.length > 1000) odd.push(error)
      }
    }
    t.same(odd, [])
    t.ok(read > 500 && refused > 500, `${read} were read, ${refused} rounds refused`)
    const grown = heapAfterCollection() - before
    t.ok(grown < 8 * 1024 * 1024, `${grown} bytes more are in use`)
  })
