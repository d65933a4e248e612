import { join } from 'node:path'
import { Bus, HELLO, SYSTEM_BUS, saidOfError } from './bus.ts'
import { type Call, jobList } from './dbus.ts'
import { ERROR, METHOD_RETURN } from './dbus-messages.ts'

/** systemd's own socket, which works without a D-Bus daemon and serves root only. */
const PRIVATE = 'run/systemd/private'
/** A unit takes about 300 bytes: more than 10,000 of them are not read. */
const REPLY_BYTES = 4 * 1024 * 1024

const SYSTEMD = 'org.freedesktop.systemd1'
const MANAGER = { path: '/org/freedesktop/systemd1', interface: 'org.freedesktop.systemd1.Manager' }
/** Where systemd of the host below `root` is asked by a process of this user: through the D-Bus daemon it answers anybody. */
export const managerAt = (root: string, uid: number): string => join(root, uid === 0 ? PRIVATE : SYSTEM_BUS)

/**
 * What systemd answers to a question of its manager (org.freedesktop.systemd1(5)), without a fork. `uid` is who asks. Rejects where
 * systemd is not there or does not answer before the signal aborts: on a host short of memory it may not.
 */
export async function askManager(
  root: string,
  uid: number,
  question: Pick<Call, 'member' | 'args'>,
  signal: AbortSignal,
): Promise<Buffer> {
  const call = { ...MANAGER, ...question }
  const calls = uid === 0 ? [call] : [HELLO, { ...call, destination: SYSTEMD }]
  return await ask(managerAt(root, uid), uid, calls, signal)
}

/** What systemd has to do: its jobs. Asks as askManager does, and rejects where that does. */
export async function askJobs(root: string, uid: number, signal: AbortSignal) {
  return jobList(await askManager(root, uid, { member: 'ListJobs' }, signal))
}

/** Makes the calls, one after the other, and gives what the last one's answer holds. */
async function ask(path: string, uid: number, calls: readonly Call[], signal: AbortSignal): Promise<Buffer> {
  using bus = await Bus.open(path, uid, REPLY_BYTES, signal)
  const serials = calls.map((call) => bus.call(call))
  try {
    for await (const message of bus.messages()) {
      if (message.replySerial === undefined || !serials.includes(message.replySerial)) continue
      if (message.type === ERROR) throw new Error(saidOfError(message))
      if (message.type !== METHOD_RETURN || message.replySerial !== serials.at(-1)) continue
      if (message.body === undefined) throw new Error(`it answers more than ${REPLY_BYTES} bytes`)
      return message.body
    }
    throw new Error('it hung up')
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}
