import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type Call, methodCall, parseReply, type Reply } from './dbus.ts'

/** systemd's own socket, which works without a D-Bus daemon and serves root only. */
const PRIVATE = 'run/systemd/private'
/** The D-Bus daemon's: through it systemd answers questions to anybody. */
const BUS = 'run/dbus/system_bus_socket'
/** A unit takes about 300 bytes: more than 10,000 of them are not read. */
const REPLY_BYTES = 4 * 1024 * 1024

const SYSTEMD = 'org.freedesktop.systemd1'
const MANAGER = { path: '/org/freedesktop/systemd1', interface: 'org.freedesktop.systemd1.Manager' }
/** The first call on a bus: D-Bus Specification, "Message Bus Messages". */
const HELLO: Call = {
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
  member: 'Hello',
  destination: 'org.freedesktop.DBus',
}

/** Where systemd of the host below `root` is asked by a process of this user. */
export const managerAt = (root: string, uid: number): string => join(root, uid === 0 ? PRIVATE : BUS)

/**
 * What systemd answers to a question of its manager (org.freedesktop.systemd1(5)), without a fork. `uid` is who asks. Rejects where
 * systemd is not there or does not answer before the signal aborts: on a host short of memory it may not.
 */
export async function askManager(
  root: string,
  uid: number,
  question: Pick<Call, 'member' | 'strings'>,
  signal: AbortSignal,
): Promise<Reply> {
  const call = { ...MANAGER, ...question }
  const calls = uid === 0 ? [call] : [HELLO, { ...call, destination: SYSTEMD }]
  return await ask(managerAt(root, uid), uid, calls, signal)
}

/** Makes the calls, one after the other, and gives the last one's answer. */
async function ask(path: string, uid: number, calls: readonly Call[], signal: AbortSignal): Promise<Reply> {
  signal.throwIfAborted()
  const socket = connect({ path })
  socket.on('error', () => {})
  const cut = () => socket.destroy(signal.reason)
  signal.addEventListener('abort', cut, { once: true })
  try {
    await once(socket, 'connect', { signal })
    // D-Bus Specification, "Authentication Protocol": EXTERNAL, with the user id in hex of its decimal digits.
    socket.write(`\0AUTH EXTERNAL ${Buffer.from(String(uid)).toString('hex')}\r\n`)
    let received = Buffer.alloc(0)
    let begun = false
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      received = Buffer.concat([received, chunk])
      if (received.length > REPLY_BYTES) throw new Error(`it answers more than ${REPLY_BYTES} bytes`)
      if (!begun) {
        const end = received.indexOf('\r\n')
        if (end < 0) continue
        const line = received.toString('latin1', 0, end)
        if (!line.startsWith('OK ')) throw new Error(`it does not let us in: ${line.slice(0, 80)}`)
        received = received.subarray(end + 2)
        begun = true
        socket.write('BEGIN\r\n')
        for (const [index, call] of calls.entries()) socket.write(methodCall(call, index + 1))
      }
      const reply = parseReply(received, calls.length)
      if (reply !== undefined) return reply
    }
    throw new Error('it hung up')
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    signal.removeEventListener('abort', cut)
    socket.destroy()
  }
}
