import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { collectorAt } from '../../agent/wall/client.ts'
import { type Collector, CollectorError, type Session } from '../../agent/wall/collector.ts'
import { seeded } from '../random.ts'
import { taken } from '../streams/poisoned.ts'
import { conversations } from './conversations.ts'
import { among, anything, damaged, heapAfterCollection, messageOf, mutated, type Random } from './hostile.ts'

const ROUNDS = 600
/** ms in which an answer is waited for that does not come. */
const PATIENCE_MS = 150
const HANG_MS = 30_000
const MIB = 1024 * 1024
const ANSWERS = [...conversations().values()].map((said) =>
  said.filter(({ by }) => by === 'collector').map(({ bytes }) => bytes),
)

/** What a collector says: the answer to something else, maybe, with what is wrong in it. */
function answer(random: Random): Buffer {
  const said = among(random, ANSWERS).map((bytes) => {
    const kind = bytes[4] ?? 0
    if (kind === 17 || random() < 0.6) return bytes
    return messageOf(kind, random() < 0.2 ? anything(random) : mutated(random, JSON.parse(bytes.toString('utf8', 5))))
  })
  const more = random() < 0.2 ? among(random, ANSWERS) : []
  const bytes = Buffer.concat([...said, ...more])
  return random() < 0.3 ? damaged(random, bytes) : bytes
}

/** A collector that answers like that, and then hangs up, breaks the connection, or says no more. */
async function rogue(test: Test, random: Random): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'lastgasp-test-')), 's')
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      const ending = random()
      if (ending < 0.6) socket.end(answer(random))
      else socket.write(answer(random), () => (ending < 0.9 ? socket.destroy() : undefined))
    })
  }).listen(path)
  await once(server, 'listening')
  test.teardown(async () => {
    server.close()
    await rm(dirname(path), { recursive: true })
  })
  return path
}

/** One of all calls that there are. */
function call(random: Random, collector: Collector, session: Session, signal: AbortSignal): Promise<unknown> {
  const watched = async () => {
    const watching = session.watch(signal)
    if (random() < 0.5) watching.stop()
    for await (const _ of watching.comesUp) watching.stop()
  }
  const take = async () => {
    const taking = session.take('cores:a', 1000, signal)
    for await (const piece of taking.stored) {
      taken(piece)
      if (random() < 0.3) taking.stop()
    }
    await taking.taken
  }
  return among(random, [
    () => collector.open({ trigger: 'manual', boot: 'this' }, 10, signal),
    () => collector.health(signal),
    () => collector.why(signal),
    () => collector.release(signal),
    () => collector.reload(signal),
    () => collector.attend(() => {}, signal),
    () => session.findings(10, signal),
    watched,
    take,
  ])()
}

t.test('whatever a collector says, a call gives something, or one of the two errors that it may', async (t) => {
  const random = seeded(20261206)
  const collector = collectorAt(await rogue(t, random))
  const session = await opened(collector)
  const odd: unknown[] = []
  let [given, refused, before] = [0, 0, 0]
  const hung = setTimeout(() => t.fail('it hangs'), HANG_MS)
  for (let round = 0; round < ROUNDS; round++) {
    if (round === ROUNDS / 2) before = heapAfterCollection()
    const signal = AbortSignal.timeout(PATIENCE_MS)
    try {
      await call(random, collector, session, signal)
      given++
    } catch (error) {
      refused++
      if (!(error instanceof CollectorError) && error !== signal.reason) odd.push(error)
    }
  }
  clearTimeout(hung)
  t.same(odd, [])
  t.ok(given > ROUNDS / 10 && refused > ROUNDS / 10, `${given} gave something, ${refused} did not`)
  const grown = heapAfterCollection() - before
  t.ok(grown < 8 * MIB, `${grown} bytes more are in use`)
})

/** A session that a rogue has opened after all. */
async function opened(collector: Collector): Promise<Session> {
  for (;;) {
    const session = await collector
      .open({ trigger: 'manual', boot: 'this' }, 10, AbortSignal.timeout(PATIENCE_MS))
      .catch(() => undefined)
    if (session !== undefined) return session
  }
}
