import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { manifestSchema } from '../../agent/bundle/schema.ts'
import { bucketAt, hostOf, settle } from './processes.ts'

// A store may take the whole time of a shutdown, and none of it longer: what it does not take lies on the disk, and the manifest with it.

t.setTimeout(300_000)

/** s: of which half is for the disk, when a store keeps us waiting. */
const DEADLINE = 12
const SETTINGS = [
  ...['--set', 'seal.unsealed="allow"', '--set', `deadline="${DEADLINE}s"`],
  // Nobody else's process stands still for this, and nobody's memory is read.
  ...[
    '--set',
    'stacks.processes=[]',
    '--set',
    'live.cores=[]',
    '--set',
    'journal.limit="0B"',
    '--set',
    'cores.directories=[]',
  ],
]
/** ms between bytes. */
const DRIP_MS = 1_000

const answer = (status: number, headers: Readonly<Record<string, string>> = {}, code = 'Wrong') =>
  createHttpServer((request, response) => {
    request.resume()
    response.writeHead(status, { 'content-type': 'application/xml', ...headers })
    response.end(`<Error><Code>${code}</Code><Message>Again.</Message></Error>`)
  })
const socketDoing = (work: (socket: Socket) => void) =>
  createServer((socket) => {
    socket.on('error', () => {})
    work(socket)
  })
const dripping = (text: string) => (socket: Socket) => {
  socket.resume()
  let at = 0
  const timer = setInterval(() => socket.write(text[at++ % text.length] ?? ''), DRIP_MS)
  socket.once('close', () => clearInterval(timer))
}

/** What they do to whoever asks them. */
const STORES: Readonly<Record<string, { server: () => Server; scheme?: 'https' }>> = {
  'takes one byte a second': {
    server: () =>
      socketDoing((socket) => {
        socket.pause()
        const timer = setInterval(() => socket.read(1), DRIP_MS)
        socket.once('close', () => clearInterval(timer))
      }),
  },
  'answers one byte a second': { server: () => socketDoing(dripping('HTTP/1.1 200 OK\r\nx: ')) },
  'says 503 for ever': { server: () => answer(503, {}, 'SlowDown') },
  'says 500 for ever': { server: () => answer(500, {}, 'InternalError') },
  'stalls in the TLS handshake': { server: () => socketDoing((socket) => socket.resume()), scheme: 'https' },
  'redirects for ever': {
    server: () => {
      const server = answer(307, {}, 'TemporaryRedirect')
      server.prependListener('request', (request, response) => {
        response.setHeader('location', `http://${request.headers.host}${request.url}`)
      })
      return server
    },
  },
}

t.test('a store that keeps a shutdown waiting costs its time, and no more', async (t) => {
  await Promise.all(
    Object.entries(STORES).map(async ([name, { server, scheme = 'http' }]) => {
      const host = await hostOf(t)
      host.collector(...SETTINGS)
      const store = server()
      const sockets = new Set<Socket>()
      store.on('connection', (socket: Socket) => sockets.add(socket))
      await once(store.listen(0, '127.0.0.1'), 'listening')
      t.teardown(() => {
        for (const socket of sockets) socket.destroy()
        store.close()
      })
      const { port } = store.address() as AddressInfo
      const state = join(host.directory, name)
      mkdirSync(state)
      const daemon = host.daemon(...bucketAt(`${scheme}://127.0.0.1:${port}`), '--state', state, ...SETTINGS)
      await settle(host)
      await daemon.says(/is ready/)
      daemon.child.kill('SIGTERM')
      t.equal(await daemon.ended(), 'SIGTERM', `${name}: it ends by itself`)
      const said = daemon.said()
      t.match(said, /^lastgasp: NO COMPLETE BUNDLE at s3:\/\/bucket: cannot /m, name)
      t.match(said, /^lastgasp: kept on the disk, for the next boot to send: \d+ objects, /m, name)
      const objects = join(state, 'spool/1/objects')
      t.ok(existsSync(objects), name)
      const manifest = readdirSync(objects, { recursive: true, encoding: 'utf8' }).find((path) =>
        path.endsWith('/manifest.json'),
      )
      const { receipts } = manifestSchema.parse(JSON.parse(readFileSync(join(objects, manifest ?? ''), 'utf8')))
      t.ok(
        receipts.some(({ artifact, bytesStored }) => artifact === 'facts.tar.zst' && bytesStored > 0),
        `${name}: the facts are kept`,
      )
    }),
  )
})
