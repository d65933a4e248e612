import { connect, type Socket } from 'node:net'
import { abandonable } from '../../../words/deadline.ts'

/** journald's answers are a few dozen bytes; more than this is no answer of journald's. */
const REPLY_BYTES = 64 * 1024

/**
 * A varlink connection (https://varlink.org/Method-Call: JSON objects that end with NUL). Answers come in the order of the
 * calls: one that came too late for whoever waited is not taken for the answer to the next call.
 */
export class Varlink implements Disposable {
  readonly #socket: Socket
  readonly #waiting: PromiseWithResolvers<string | undefined>[] = []
  #pending = Buffer.alloc(0)
  #ended: Error | undefined

  /** Takes over a socket that is connected, or about to be. */
  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', (error) => this.#end(error))
    socket.on('close', () => this.#end(new Error('the connection was closed before the answer')))
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
  }

  /** Whether calls can still be answered. */
  get open(): boolean {
    return this.#ended === undefined
  }

  /** Calls a method without parameters: the error's name, undefined where it went well. Rejects where nothing answers. */
  async call(method: string, signal: AbortSignal): Promise<string | undefined> {
    if (this.#ended !== undefined) throw this.#ended
    const answer = Promise.withResolvers<string | undefined>()
    answer.promise.catch(() => {})
    this.#waiting.push(answer)
    this.#socket.write(`${JSON.stringify({ method })}\0`)
    return await abandonable(answer.promise, signal)
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk])
    try {
      for (let end = this.#pending.indexOf(0); end >= 0; end = this.#pending.indexOf(0)) {
        const reply: unknown = JSON.parse(this.#pending.toString('utf8', 0, end))
        this.#pending = this.#pending.subarray(end + 1)
        this.#waiting.shift()?.resolve(errorOf(reply))
      }
      if (this.#pending.length > REPLY_BYTES) throw new Error(`the answer is longer than ${REPLY_BYTES} bytes`)
    } catch (error) {
      this.#end(error as Error)
    }
  }

  #end(because: Error): void {
    this.#ended ??= because
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended)
    this.#socket.destroy()
  }
}

function errorOf(reply: unknown): string | undefined {
  return typeof reply === 'object' && reply !== null && 'error' in reply ? String(reply.error) : undefined
}

/** Connects to a service's socket. What is wrong with it is told by the first call. */
export function connectVarlink(path: string): Varlink {
  return new Varlink(connect({ path }))
}
