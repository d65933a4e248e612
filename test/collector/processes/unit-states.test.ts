import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { unitStates } from '../../../agent/collector/processes/unit-states.ts'

/** What was said on the socket of systemd 252 with one unit failed and one being stopped: both sides, as recorded. */
const golden = (name: string) => readFile(join(import.meta.dirname, 'golden', name))
const soon = () => AbortSignal.timeout(20_000)

/** A host on whose socket (root asks systemd, others the bus) somebody answers what is told, piece by piece. */
async function answering(
  t: Test,
  pieces: readonly Buffer[],
  heard: Buffer[] = [],
  at = 'run/systemd/private',
): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'lastgasp-test-'))
  await mkdir(dirname(join(root, at)), { recursive: true })
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    let next = 0
    socket.on('data', (data: Buffer) => {
      heard.push(data)
      const piece = pieces[next++]
      if (piece === undefined) return
      if (piece.length === 0) socket.destroy()
      else socket.write(piece)
    })
  })
  await new Promise<void>((resolve) => server.listen(join(root, at), resolve))
  t.teardown(async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
    await rm(root, { recursive: true })
  })
  return root
}

async function recorded() {
  const answers = await golden('list-units.answers')
  const begin = answers.indexOf('\r\n') + 2
  return { ok: answers.subarray(0, begin), reply: answers.subarray(begin) }
}

t.test('golden: what is said, and what is understood', async (t) => {
  const { ok, reply } = await recorded()
  const heard: Buffer[] = []
  const states = await unitStates(await answering(t, [ok, reply], heard), 0, soon())
  t.strictSame(
    [...states],
    [
      ['slow.service', 'deactivating'],
      ['broken.service', 'failed'],
    ],
  )
  const asks = (await golden('list-units.asks')).toString('latin1')
  t.equal(Buffer.concat(heard).toString('latin1'), asks)
})

t.test(
  'who is not root asks on the bus: says hello, names systemd, and takes the answer to its own call',
  async (t) => {
    const { ok, reply } = await recorded()
    const hello = Buffer.from(reply)
    const second = Buffer.from(reply)
    // REPLY_SERIAL is the first field: its value is behind the header and four bytes of code and type.
    second.writeUInt32LE(2, 20)
    hello.write('hidden', hello.indexOf('broken'))
    const heard: Buffer[] = []
    const root = await answering(t, [ok, Buffer.concat([hello, second])], heard, 'run/dbus/system_bus_socket')
    const states = await unitStates(root, 1000, soon())
    t.strictSame([...states.keys()], ['slow.service', 'broken.service'])
    const said = Buffer.concat(heard).toString('latin1')
    t.match(said, /^\0AUTH EXTERNAL 31303030\r\nBEGIN\r\n/)
    t.match(said, /Hello.*org\.freedesktop\.DBus\0.*ListUnitsFiltered.*org\.freedesktop\.systemd1\0/s)
  },
)

t.test('an answer that comes byte by byte, behind a signal', async (t) => {
  const { ok, reply } = await recorded()
  const signal = Buffer.from(reply)
  signal[1] = 4
  const root = await answering(t, [Buffer.concat([ok, signal, reply.subarray(0, 1)]), reply.subarray(1)])
  t.equal((await unitStates(root, 0, soon())).size, 2)
})

t.test('who does not answer, or not in D-Bus, is told of and not waited for', async (t) => {
  const { ok, reply } = await recorded()
  const error = Buffer.from(reply)
  error[1] = 3
  const wrong: [string, Buffer[], RegExp][] = [
    ['refused', [Buffer.from('REJECTED EXTERNAL\r\n')], /does not let us in: REJECTED/],
    ['hung up', [ok, Buffer.alloc(0)], /hung up|ECONNRESET/],
    ['an error', [ok, error], /answers with an error/],
    ['no D-Bus', [ok, Buffer.alloc(64, 'x')], /no D-Bus message/],
    ['cut', [Buffer.concat([ok, Buffer.from(reply).fill(0xff, 88, 92)])], /cut/],
    ['endless', [ok, Buffer.alloc(5 * 1024 * 1024, 'l')], /longer than a D-Bus message can be/],
  ]
  for (const [what, pieces, because] of wrong)
    await t.rejects(unitStates(await answering(t, pieces), 0, soon()), because, what)
  await t.rejects(unitStates(await answering(t, [ok]), 0, AbortSignal.timeout(100)), /cannot ask systemd at .*timeout/)
  await t.rejects(unitStates('/nonexistent', 0, soon()), /cannot ask systemd at .*ENOENT/)
})
