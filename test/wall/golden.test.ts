import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import type { Desk } from '../../agent/collector/desk.ts'
import { collectorAt } from '../../agent/wall/client.ts'
import { chunks, collectorOf, item, source } from '../collector/synthetic.ts'
import { bytesOf } from '../frames/streams.ts'
import { lent } from '../streams/poisoned.ts'
import { conversations, type Said, shown, split } from './conversations.ts'

const ALL = conversations()
const SESSION = '0123456789abcdef'
const soon = () => AbortSignal.timeout(30_000)

/** A collector that answers from the golden file whoever asks as it stands there. What it was told otherwise goes to `odd`. */
async function golden(test: Test): Promise<{ readonly path: string; readonly odd: string[] }> {
  const path = join(await mkdtemp(join(tmpdir(), 'lastgasp-test-')), 's')
  const odd: string[] = []
  const server = createServer((socket) => {
    socket.on('error', () => {})
    answer(socket, odd).catch(() => {})
  }).listen(path)
  await once(server, 'listening')
  test.teardown(async () => {
    server.close()
    await rm(dirname(path), { recursive: true })
  })
  return { path, odd }
}

async function answer(socket: Socket, odd: string[]): Promise<void> {
  const heard = split(socket)
  const { value: asked } = await heard.next()
  const [, ...rest] = [...ALL.values()].find(([first]) => asked && first?.bytes.equals(asked)) ?? []
  if (rest.length === 0) odd.push(shown(asked ?? Buffer.alloc(5)))
  for (const { by, bytes } of rest) {
    if (by === 'collector') socket.write(bytes)
    else if ((await heard.next()).value?.equals(bytes) !== true) odd.push('not as it stands there')
  }
}

t.test('the client asks as it is written, and understands what is answered', async (t) => {
  const { path, odd } = await golden(t)
  const collector = collectorAt(path)
  const session = await collector.open({ trigger: 'manual', boot: 'this' }, 4000, soon())
  t.match(session.listing.items, [
    { id: 'cores:a', identity: { comm: 'app' } },
    { id: 'cores:m', patience: 9000 },
  ])
  t.match(session.listing.gaps, [{ status: 'skipped', because: 'limit', identity: { uid: 7 } }])
  const remembered = { id: '2'.repeat(32), captured: false, stored: ['00000000000000aa'] }
  const before = await collector.open({ trigger: 'previous-boot', boot: 'previous', before: remembered }, 4000, soon())
  t.same(before.before, { id: '2'.repeat(32), journal: 'none' })
  t.equal(before.listing.items[0]?.mark, '00000000000000bb')
  const taking = session.take('cores:a', 5000, soon())
  t.equal((await bytesOf(taking.stored)).toString(), 'content')
  t.same(await taking.taken, { bytesIn: 7, ms: 1, identity: { pid: 7 } })
  for (const [id, limit, because] of [['cores:m', 5000, 'seal'] as const, ['cores:z', 0, 'collector'] as const])
    await t.rejects(Array.fromAsync(session.take(id, limit, soon()).stored), { name: 'CollectorError', because })
  const watching = session.watch(soon())
  const seen: string[] = []
  for await (const { items, gaps } of watching.comesUp) {
    seen.push(...items.map(({ id }) => id), ...gaps.map(({ reason }) => reason))
    watching.stop()
  }
  t.same(seen, ['cores:late', 'cannot see what comes up of cores: EIO'])
  t.match(await session.findings(4000, soon()), [
    { kind: 'crash', subject: { unit: 'shop.service', pid: 7 }, signal: 11 },
  ])
  const cut = new AbortController()
  const told: unknown[] = []
  const attending = collector.attend((said) => void told.push(said), cut.signal)
  setTimeout(() => cut.abort(new Error('enough')), 100)
  await t.rejects(attending, { message: 'enough' })
  t.same(told, [{ held: false }, { shutdown: 'announced', within: 5000 }, { shutdown: 'cancelled' }])
  await collector.release(soon())
  t.same(await collector.why(soon()), { kind: 'reboot', by: 'The system will reboot now!' })
  t.same(await collector.stopping(soon()), { running: 1, held: false })
  await collector.reload(soon())
  t.match(await collector.health(soon()), {
    version: '0',
    problems: ['a.toml is broken'],
    closed: /no recipient is set/,
  })
  t.same(odd, [], 'nothing else was asked')
})

/** What a collector answers to the daemon's part of a conversation; what differs from run to run is replaced. */
async function answers(path: string, said: readonly Said[], session: string): Promise<string[]> {
  const socket = connect(path)
  const heard = split(socket)
  const lines: string[] = []
  for (const { by, bytes } of said) {
    if (by === 'daemon') socket.write(Buffer.from(bytes.toString('latin1').replace(SESSION, session), 'latin1'))
    else lines.push(shown((await heard.next()).value ?? Buffer.alloc(5)))
  }
  // Who has answered closes the connection.
  const isDone = /^(end|fail) /.test(lines.at(-1) ?? '')
  if (isDone && (await heard.next()).done !== true) lines.push('and more')
  socket.destroy()
  return lines.map((line) => line.replace(/"ms":[\d.]+/, '"ms":1'))
}

/** These depend on the machine, or on what happened to it. */
const OF_THE_HOST = ['why', 'findings', 'stopping']

/** Once somebody attends, the host is about to go down, and then it is not. */
async function goesAndStays({ announcement }: Desk): Promise<void> {
  while (announcement.listenerCount('changed') === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  announcement.say({ within: 5000 })
  announcement.say(undefined)
}

t.test('the collector answers as it is written', async (t) => {
  const found = [
    item('cores/a', () => chunks('content'), {
      id: 'a',
      mark: '00000000000000bb',
      identity: { comm: 'app' },
      open: async () => ({
        ...{ chunks: lent(chunks('content')), outcome: () => ({ identity: { pid: 7 } }) },
        [Symbol.asyncDispose]: async () => {},
      }),
    }),
    item('cores/m', () => chunks(), { id: 'm', class: 'memory', patience: 9000 }),
  ]
  const gap = { source: 'cores', class: 'memory', status: 'skipped', reason: '1 core, too old' } as const
  const { socket, desk } = await collectorOf(t, [
    source('cores', found, {
      inventory: async () => ({ found, gaps: [{ ...gap, because: 'limit', identity: { uid: 7 } }] }),
      async *comesUp(_, stop) {
        yield { found: [item('cores/late', () => chunks(), { id: 'late' })], gaps: [] }
        if (!stop.aborted) await once(stop, 'abort')
        throw new Error('EIO')
      },
    }),
  ])
  const problems = [{ message: 'a.toml is broken' }] as unknown as typeof desk.loaded.problems
  Object.assign(desk, { loaded: { ...desk.loaded, problems }, reload: async () => desk.loaded })
  let session = SESSION
  for (const [name, said] of ALL) {
    if (OF_THE_HOST.includes(name)) continue
    if (name === 'attend') void goesAndStays(desk)
    const lines = await answers(socket, said, session)
    if (name.startsWith('open')) session = /"session":"([0-9a-f]{16})"/.exec(`${lines.at(-1)}`)?.[1] ?? ''
    t.same(
      lines.map((line) => line.replace(session, SESSION)),
      said.filter(({ by }) => by === 'collector').map(({ bytes }) => shown(bytes)),
      name,
    )
  }
})
