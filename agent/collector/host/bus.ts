import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Call, methodCall } from './dbus.ts'
import { type Message, Messages } from './dbus-messages.ts'

/** The D-Bus daemon's socket, below the root. */
export const SYSTEM_BUS = 'run/dbus/system_bus_socket'
/** The bus itself, which nobody else can call himself. */
export const BUS = 'org.freedesktop.DBus'
const BUS_PATH = '/org/freedesktop/DBus'

/** A call of the bus itself: D-Bus Specification, "Message Bus Messages". */
export function busCall(member: string, ...args: readonly string[]): Call {
  return { path: BUS_PATH, interface: BUS, member, destination: BUS, args }
}

/** The first call on a bus. */
export const HELLO = busCall('Hello')

/** What the end of the line of an answer may be away. */
const LINE_BYTES = 4096

/** A connection to a D-Bus socket that has let us in, until the signal aborts. */
export class Bus implements Disposable {
  readonly #socket: Socket
  readonly #chunks: AsyncIterator<Buffer>
  readonly #signal: AbortSignal
  readonly #incoming: Messages
  readonly #cut: () => void
  #first: Buffer = Buffer.alloc(0)
  #serial = 0

  private constructor(socket: Socket, most: number, signal: AbortSignal) {
    this.#socket = socket
    this.#chunks = (socket as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
    this.#signal = signal
    this.#incoming = new Messages(most)
    this.#cut = () => socket.destroy(signal.reason)
    signal.addEventListener('abort', this.#cut, { once: true })
  }

  /** Connects as user `uid`, which we are. Of a message, `most` bytes are taken. Throws where nobody lets us in, and when the signal aborts. */
  static async open(path: string, uid: number, most: number, signal: AbortSignal): Promise<Bus> {
    signal.throwIfAborted()
    const socket = connect({ path })
    socket.on('error', () => {})
    const bus = new Bus(socket, most, signal)
    try {
      await once(socket, 'connect', { signal })
      await bus.#enter(uid)
      return bus
    } catch (error) {
      bus[Symbol.dispose]()
      signal.throwIfAborted()
      throw error
    }
  }

  /** Makes a call; gives the serial that its answer will name. */
  call(call: Call): number {
    this.#socket.write(methodCall(call, ++this.#serial))
    return this.#serial
  }

  /** What comes, until nobody listens. Throws when it breaks, and when the signal aborts. */
  async *messages(): AsyncGenerator<Message, void, void> {
    for (let bytes = this.#first; ; bytes = await this.#next()) yield* this.#incoming.messages(bytes)
  }

  [Symbol.dispose](): void {
    this.#signal.removeEventListener('abort', this.#cut)
    this.#socket.destroy()
  }

  /** D-Bus Specification, "Authentication Protocol": EXTERNAL, with the user id in hex of its decimal digits. */
  async #enter(uid: number): Promise<void> {
    this.#socket.write(`\0AUTH EXTERNAL ${Buffer.from(String(uid)).toString('hex')}\r\n`)
    let received = await this.#next()
    let end = received.indexOf('\r\n')
    while (end < 0 && received.length < LINE_BYTES) {
      received = Buffer.concat([received, await this.#next()])
      end = received.indexOf('\r\n')
    }
    const line = received.toString('latin1', 0, end < 0 ? LINE_BYTES : end)
    if (!line.startsWith('OK ') || end < 0) throw new Error(`it does not let us in: ${line.slice(0, 80)}`)
    this.#first = received.subarray(end + 2)
    this.#socket.write('BEGIN\r\n')
  }

  async #next(): Promise<Buffer> {
    const { value, done } = await this.#chunks.next()
    if (done !== true) return value
    this.#signal.throwIfAborted()
    throw new Error('it hung up')
  }
}

/** What a call that failed says. */
export function saidOfError({ body }: Message): string {
  return `it answers with an error: ${body?.toString('utf8', 4, 200).replace(/\0.*/s, '') ?? 'a long one'}`
}
