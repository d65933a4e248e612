import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { cannot } from '../../agent/words/cannot.ts'
import { before } from './before.ts'
import { connect, onLine } from './lines.ts'

/** Why a guest went: QEMU's ShutdownCause (qapi/run-state.json). `undefined` in case QEMU was killed. */
export type ShutdownCause = 'guest-shutdown' | 'guest-reset' | 'guest-panic' | string

/** A line from QEMU: an event, or the answer to a command that had this id. */
interface Message {
  readonly event?: string
  readonly data?: { readonly reason?: string }
  readonly id?: string
  readonly error?: { readonly desc: string }
  readonly return?: unknown
}

/** QEMU's machine protocol: docs/interop/qmp-spec. */
export class Qmp implements Disposable {
  #cause: ShutdownCause | undefined
  readonly #socket: Socket
  readonly #waiting = new Map<string, (answer: Message) => void>()

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', () => {}) // QEMU going away is told by its exit
    onLine(socket, (line) => {
      const message = JSON.parse(line) as Message
      if (message.event === 'SHUTDOWN') this.#cause = message.data?.reason
      if (message.id !== undefined) this.#waiting.get(message.id)?.(message)
    })
  }

  static async open(path: string, signal: AbortSignal): Promise<Qmp> {
    const qmp = new Qmp(await connect(path, signal))
    qmp.tell('qmp_capabilities')
    return qmp
  }

  /** What QEMU said of the guest's end, once it has come. */
  get cause(): ShutdownCause | undefined {
    return this.#cause
  }

  /** Sends a command; what becomes of it is seen in the machine. */
  tell(execute: 'qmp_capabilities' | 'system_powerdown' | 'system_reset' | 'quit'): void {
    this.#socket.write(`${JSON.stringify({ execute })}\n`)
  }

  /** Sends a command and waits until QEMU has done it. Gives what it answers; the error is QEMU's own sentence. */
  async ask(
    execute: 'dump-guest-memory' | 'migrate' | 'migrate-set-parameters' | 'query-migrate' | 'query-status',
    args: Readonly<Record<string, string | number | boolean>>,
    signal: AbortSignal,
  ): Promise<unknown> {
    const id = randomUUID()
    const { promise, resolve } = Promise.withResolvers<Message>()
    this.#waiting.set(id, resolve)
    try {
      this.#socket.write(`${JSON.stringify({ execute, arguments: args, id })}\n`)
      const { error, return: answer } = await before(signal, promise, `see QEMU do ${execute}`)
      if (error) throw cannot(`let QEMU do ${execute}`, error.desc)
      return answer
    } finally {
      this.#waiting.delete(id)
    }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}
