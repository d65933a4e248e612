import { once } from 'node:events'
import { chmod, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { allUnlent } from '../streams/lease.ts'
import type { Failure } from '../wall/answers.ts'
import { readFailure } from '../wall/read-answers.ts'
import { Refusal } from '../wall/refusal.ts'
import { readRequest } from '../wall/requests.ts'
import { dataHeader, message, messages } from '../wall/wire.ts'
import { cannot, sentence } from '../words/cannot.ts'
import { abandonable, aborted } from '../words/deadline.ts'
import type { Answer } from './answer.ts'
import { answerRequest } from './answer-request.ts'
import type { Desk } from './desk.ts'

/** Connections at once: a capture has some eight under way (takes, a watch, questions), and there may be two; `attend` has one. */
const MAX_CONNECTIONS = 32
/** A request that is not sent within this time never will be. */
const REQUEST_MS = 5_000

/** Serves the wall's protocol on a unix socket until the signal aborts. Throws where the socket cannot be made. */
export async function serve(path: string, desk: Desk, signal: AbortSignal): Promise<void> {
  await rm(path, { force: true })
  const server = createServer((socket) => void converse(socket, desk, signal))
  server.maxConnections = MAX_CONNECTIONS
  server.listen(path)
  try {
    await once(server, 'listening')
    // Root and the daemon's group; the directory above lets nobody else in either.
    await chmod(path, 0o660)
  } catch (error) {
    throw cannot(`listen on ${path}`, error)
  }
  await aborted(signal)
  server.close()
  await rm(path, { force: true })
}

/** One connection: one request, its answer, the end. */
async function converse(socket: Socket, desk: Desk, parent: AbortSignal): Promise<void> {
  const hungUp = new AbortController()
  socket.on('error', () => {})
  socket.on('close', () => hungUp.abort(new Error('the daemon hung up')))
  const signal = AbortSignal.any([parent, hungUp.signal])
  const stop = new AbortController()
  const answer: Answer = {
    send: (bytes) => write(socket, [bytes], signal),
    data: async ({ bytes, release }) => {
      await write(socket, [dataHeader(bytes.length), bytes], signal)
      release()
    },
    stop: stop.signal,
  }
  try {
    const incoming = messages(allUnlent(socket), 'daemon')
    socket.setTimeout(REQUEST_MS, () => endSilent(socket))
    const first = await incoming.next()
    socket.setTimeout(0)
    if (first.done === true || first.value.kind !== 'request') return
    void heed(incoming, stop, socket)
    await answerRequest(desk, readRequest(first.value.json), answer, signal)
  } catch (error) {
    const because = error instanceof Refusal ? error.because : 'host'
    const failure: Failure = readFailure({ reason: sentence(error), because })
    await write(socket, [message('fail', failure)], signal).catch(() => {})
  } finally {
    socket.destroySoon()
  }
}

/**
 * Ends a connection on which nothing came. A process that was kept from running for so long, on a host at its end, runs its
 * timers before it reads what came meanwhile: so it reads once more before it judges.
 */
function endSilent(socket: Socket): void {
  const before = socket.bytesRead
  setImmediate(() => {
    if (socket.bytesRead === before) socket.destroy()
  })
}

/** What may follow a request: `stop`. Anything else breaks the protocol, and the connection with it. */
async function heed(incoming: AsyncGenerator<{ kind: string }>, stop: AbortController, socket: Socket): Promise<void> {
  try {
    for await (const { kind } of incoming) {
      if (kind !== 'stop') throw cannot('go on', `"${kind}" came after the request`)
      stop.abort()
    }
  } catch {
    socket.destroy()
  }
}

/** Writes until the kernel has all of it. */
async function write(socket: Socket, pieces: readonly Buffer[], signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  socket.cork()
  const written = pieces.map(
    (piece) =>
      new Promise<void>((resolve, reject) => socket.write(piece, (error) => (error ? reject(error) : resolve()))),
  )
  socket.uncork()
  await abandonable(Promise.all(written), signal)
}
