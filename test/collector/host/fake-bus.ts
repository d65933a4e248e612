import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bodyOf, marshalled, type Said, variantOf, yes } from './dbus-words.ts'

const LOGIND = 'org.freedesktop.login1'
const CONFIG = (path: string) => `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=${path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="signal"/><allow send_type="method_call"/>
<allow send_requested_reply="true" send_type="method_return"/><allow send_requested_reply="true" send_type="error"/>
<allow receive_type="method_call"/><allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/></policy></busconfig>
`

interface Teardown {
  teardown(end: () => void | Promise<void>): void
}

/** A directory that is a host's root, with a D-Bus daemon of its own once it is started: the real one. */
export interface FakeBus {
  readonly root: string
  start(): Promise<void>
  stop(): Promise<void>
}

export async function fakeBus(test: Teardown): Promise<FakeBus> {
  const root = await mkdtemp(join(tmpdir(), 'lastgasp-test-'))
  const path = join(root, 'run/dbus/system_bus_socket')
  await mkdir(join(root, 'run/dbus'), { recursive: true })
  await writeFile(join(root, 'config'), CONFIG(path))
  let daemon: ChildProcess | undefined
  const stop = async () => {
    if (daemon === undefined) return
    const ended = once(daemon, 'exit')
    daemon.kill('SIGKILL')
    await ended
    await rm(path, { force: true })
    daemon = undefined
  }
  test.teardown(async () => {
    await stop()
    await rm(root, { recursive: true })
  })
  return {
    root,
    async start() {
      daemon = spawn('dbus-daemon', [`--config-file=${join(root, 'config')}`, '--nofork', '--print-address'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      await once(daemon.stdout as NonNullable<typeof daemon.stdout>, 'data')
    },
    stop,
  }
}

/** Somebody on a bus who says what the test says. */
export class Speaker {
  readonly #socket: Socket
  #serial = 0
  /** What the bus calls it. */
  name = ''
  /** The names of all that have asked this one. */
  readonly askers: string[] = []

  private constructor(socket: Socket) {
    this.#socket = socket
  }

  static async on(root: string, test: Teardown): Promise<Speaker> {
    const socket = connect(join(root, 'run/dbus/system_bus_socket'))
    socket.on('error', () => {})
    test.teardown(() => void socket.destroy())
    await once(socket, 'connect')
    const uid = Buffer.from(String(process.getuid?.())).toString('hex')
    socket.write(`\0AUTH EXTERNAL ${uid}\r\n`)
    await once(socket, 'data')
    socket.write('BEGIN\r\n')
    const speaker = new Speaker(socket)
    speaker.#ofBus('Hello')
    const [answer] = await once(socket, 'data')
    speaker.name = /:1\.\d+/.exec((answer as Buffer).toString('latin1'))?.[0] ?? ''
    socket.resume()
    return speaker
  }

  say(said: Said): void {
    this.#socket.write(marshalled(said, ++this.#serial))
  }

  /** Becomes logind, with these properties: whoever asks for one is answered. */
  async becomeLogind(properties: Readonly<Record<string, boolean | bigint>>): Promise<void> {
    this.#socket.on('data', (bytes: Buffer) => {
      for (let at = 0; at + 16 <= bytes.length; ) {
        const [body, serial, fields] = [4, 8, 12].map((offset) => bytes.readUInt32LE(at + offset)) as [
          number,
          number,
          number,
        ]
        const end = at + Math.ceil((16 + fields) / 8) * 8 + body
        this.#answer(bytes.toString('latin1', at, end), serial, properties)
        at = end
      }
    })
    const flags = Buffer.from([4, 0, 0, 0])
    const name = bodyOf(LOGIND)
    const body = Buffer.concat([name, Buffer.alloc((4 - (name.length % 4)) % 4), flags])
    this.#ofBus('RequestName', 'su', body)
    await once(this.#socket, 'data')
  }

  prepare(value: boolean, over: Partial<Said> = {}): void {
    this.say({
      ...{ type: 'signal', path: '/org/freedesktop/login1', interface: 'org.freedesktop.login1.Manager' },
      ...{ member: 'PrepareForShutdown', signature: 'b', body: yes(value) },
      ...over,
    })
  }

  leave(): void {
    this.#socket.destroy()
  }

  #answer(call: string, serial: number, properties: Readonly<Record<string, boolean | bigint>>): void {
    const asked = Object.keys(properties).find((name) => call.includes(name))
    const asker = /:1\.\d+/.exec(call)?.[0]
    if (asked === undefined || asker === undefined) return
    this.askers.push(asker)
    const body = variantOf(properties[asked] as boolean | bigint)
    this.say({ type: 'return', replySerial: serial, destination: asker, signature: 'v', body })
  }

  #ofBus(member: string, signature?: string, body?: Buffer): void {
    const bus = 'org.freedesktop.DBus'
    const more = signature === undefined ? {} : { signature, body: body as Buffer }
    this.say({ type: 'call', path: '/org/freedesktop/DBus', interface: bus, member, destination: bus, ...more })
  }
}
