import type { Socket } from 'node:net'
import { connect, onLine } from './lines.ts'

/** Why a guest went: QEMU's ShutdownCause (qapi/run-state.json). `undefined` in case QEMU was killed. */
export type ShutdownCause = 'guest-shutdown' | 'guest-reset' | 'guest-panic' | string

/** QEMU's machine protocol: docs/interop/qmp-spec. */
export class Qmp implements Disposable {
  #cause: ShutdownCause | undefined
  readonly #socket: Socket

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', () => {}) // QEMU going away is told by its exit
    onLine(socket, (line) => {
      const message = JSON.parse(line) as { event?: string; data?: { reason?: string } }
      if (message.event === 'SHUTDOWN') this.#cause = message.data?.reason
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
  tell(execute: 'qmp_capabilities' | 'system_powerdown' | 'quit'): void {
    this.#socket.write(`${JSON.stringify({ execute })}\n`)
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}
