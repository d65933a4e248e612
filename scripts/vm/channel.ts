import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { before } from './before.ts'
import { connect, onLine } from './lines.ts'
import type { Ran } from './program.ts'

/**
 * The other end of guest/usr/lib/vm/channel: a root shell on a virtio-serial port. One line each way:
 * `<id> <base64 of a command>`, answered by `<id> <exit code> <base64 of stdout> <base64 of stderr>`; `ready` first.
 */
export class Channel implements Disposable {
  readonly #socket: Socket
  #ready = Promise.withResolvers<void>()
  readonly #waiting = new Map<string, (ran: Ran) => void>()

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', () => {}) // QEMU going away is told by its exit
    onLine(socket, (line) => {
      if (line === 'ready') return this.#ready.resolve()
      const [id = '', code, stdout = '', stderr = ''] = line.split(' ')
      this.#waiting.get(id)?.({ code: Number(code), stdout: plain(stdout), stderr: plain(stderr) })
    })
  }

  static async open(path: string, signal: AbortSignal): Promise<Channel> {
    return new Channel(await connect(path, signal))
  }

  /** Until the guest's shell listens. */
  async ready(signal: AbortSignal): Promise<void> {
    await before(signal, this.#ready.promise, 'reach the shell in the guest')
  }

  /** Until the guest's shell, which is going to be stopped, listens again. */
  async readyAgain(signal: AbortSignal): Promise<void> {
    this.#ready = Promise.withResolvers<void>()
    await this.ready(signal)
  }

  /** Runs a shell command as root in the guest. Rejects when the guest does not answer in time. */
  async sh(command: string, signal: AbortSignal): Promise<Ran> {
    const id = randomUUID()
    const { promise, resolve } = Promise.withResolvers<Ran>()
    this.#waiting.set(id, resolve)
    try {
      this.#socket.write(`${id} ${Buffer.from(command).toString('base64')}\n`)
      return await before(signal, promise, `run ${command} in the guest`)
    } finally {
      this.#waiting.delete(id)
    }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}

const plain = (base64: string) => Buffer.from(base64, 'base64').toString()
