import { connect } from 'node:net'
import t from 'tap'
import { collectorAt } from '../../agent/wall/client.ts'
import { messages } from '../../agent/wall/wire.ts'
import { chunks, collectorOf, item, source } from '../collector/synthetic.ts'
import { bytesOf } from '../frames/streams.ts'
import { seeded } from '../random.ts'
import { lent } from '../streams/poisoned.ts'
import { encoded } from './conversations.ts'
import { among, anything, damaged, heapAfterCollection, messageOf, mutated, type Random } from './hostile.ts'

const ROUNDS = 900
/** ms in which a connection whose other end is closed must be over. */
const HANG_MS = 30_000
const STOP = encoded(2, Buffer.alloc(0))
const MIB = 1024 * 1024

/** A request that may be right, in a session that may be there. */
function request(random: Random, sessions: readonly string[]): object {
  const session = among(random, [...sessions, 'ffffffffffffffff'])
  const id = among(random, [
    'cores:cores/a',
    'cores:cores/m',
    'cores:cores/big',
    'cores:cores/late',
    'cores:../x',
    'x:y',
    '',
  ])
  const limit = among(random, [0, 1, 1000, 2 ** 53, 1e308])
  const within = among(random, [0, 5, 100])
  const before = { id: '2'.repeat(32), captured: random() < 0.5, stored: ['00000000000000aa'] }
  const occasion = among<object>(random, [
    { trigger: 'shutdown', boot: 'this' },
    { trigger: 'manual', boot: 'this' },
    { trigger: 'notice', boot: 'this' },
    { trigger: 'previous-boot', boot: 'previous' },
    { trigger: 'previous-boot', boot: 'previous', before },
  ])
  const all = [
    ...[
      { do: 'open', occasion, within },
      { do: 'watch', session },
      { do: 'findings', session, within },
    ],
    ...[
      { do: 'take', session, id, limit },
      { do: 'take', session, id, limit },
    ],
    ...[{ do: 'health' }, { do: 'stopping' }, { do: 'release' }, { do: 'reload' }, { do: 'attend' }],
  ]
  return { v: 2, ...among(random, all) }
}

/** What a daemon says on one connection: mostly a request, which may be odd, damaged, late, or not the only one. */
function script(random: Random, sessions: readonly string[]): Buffer {
  const one = () => {
    const asked = request(random, sessions)
    return messageOf(1, among(random, [asked, asked, mutated(random, asked), anything(random)]))
  }
  const words = [
    ...(random() < 0.1 ? [STOP] : []),
    one(),
    ...(random() < 0.4 ? [STOP] : []),
    ...(random() < 0.1 ? [one()] : []),
    ...(random() < 0.1 ? Array(50).fill(STOP) : []),
  ]
  const bytes = Buffer.concat(words)
  return random() < 0.25 ? damaged(random, bytes) : bytes
}

/** Says it all in pieces, closes or breaks the connection, and gives what was answered. */
async function conversation(path: string, bytes: Buffer, random: Random): Promise<Buffer> {
  const socket = connect(path)
  const heard: Buffer[] = []
  const over = Promise.withResolvers<void>()
  const timer = setTimeout(() => over.reject(new Error(`it hangs after ${bytes.toString('latin1', 0, 300)}`)), HANG_MS)
  socket.on('error', () => {})
  socket.on('data', (piece: Buffer) => heard.push(piece))
  socket.on('close', () => over.resolve())
  const at = Math.floor(random() * bytes.length)
  socket.write(bytes.subarray(0, at))
  if (random() < 0.3) await new Promise((resolve) => setImmediate(resolve))
  if (random() < 0.15) socket.write(bytes.subarray(at), () => socket.destroy())
  else socket.end(bytes.subarray(at))
  await over.promise.finally(() => clearTimeout(timer))
  return Buffer.concat(heard)
}

/** What is wrong with an answer, if anything is: a connection that the collector breaks may end within a message. */
async function wrongWith(answer: Buffer): Promise<unknown> {
  let last = ''
  try {
    for await (const { kind } of messages(lent([answer]), 'collector')) {
      if (last === 'end' || last === 'fail') return `"${kind}" after "${last}"`
      last = kind
    }
  } catch (error) {
    return /ended within a message/.test(`${error}`) ? undefined : error
  }
  return undefined
}

t.test('whatever a daemon says, the collector answers by the protocol, hangs nowhere and goes on', async (t) => {
  const random = seeded(20261205)
  const big = Buffer.alloc(300_000, 'x')
  const found = [
    item('cores/a', () => chunks('content')),
    item('cores/m', () => chunks('memory'), { class: 'memory' }),
    item('cores/big', async function* () {
      for (let n = 0; n < 4; n++) yield big
    }),
  ]
  const { socket, desk } = await collectorOf(t, [
    source('cores', found, {
      async *comesUp() {
        yield { found: [item('cores/late', () => chunks('late'))], gaps: [] }
      },
    }),
    source('journal', [], {
      inventory: async () => {
        throw new Error('EIO')
      },
    }),
  ])
  const collector = collectorAt(socket)
  const sessions: string[] = []
  const kinds = new Map<string, number>()
  let before = 0
  for (let round = 0; round < ROUNDS; round++) {
    if (round === ROUNDS / 2) before = heapAfterCollection()
    desk.announcement.say(random() < 0.5 ? { within: 5_000 } : undefined)
    const several = Array.from({ length: 1 + Math.floor(random() * 3) }, () => script(random, sessions.slice(-3)))
    for (const answer of await Promise.all(several.map((bytes) => conversation(socket, bytes, random)))) {
      const wrong = await wrongWith(answer)
      if (wrong !== undefined) t.fail(`${wrong}`)
      const session = /"session":"([0-9a-f]{16})"/.exec(answer.toString('latin1'))?.[1]
      if (session !== undefined) sessions.push(session)
      const kind = answer[4] === undefined ? 'nothing' : `${answer[4]}`
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    }
  }
  for (const kind of ['16', '17', '18', '19', 'nothing'])
    t.ok((kinds.get(kind) ?? 0) > 10, `${kind}: ${kinds.get(kind)}`)
  t.ok(sessions.length > 20, `${sessions.length} sessions`)
  const grown = heapAfterCollection() - before
  t.ok(grown < 16 * MIB, `${grown} bytes more are in use`)

  const signal = AbortSignal.timeout(HANG_MS)
  const session = await collector.open({ trigger: 'shutdown', boot: 'this' }, 4000, signal)
  t.strictSame([session.listing.items.length, session.listing.gaps.length], [3, 1])
  const { stored } = session.take('cores:cores/a', 1000, signal)
  t.equal((await bytesOf(stored)).toString(), 'content')
})
