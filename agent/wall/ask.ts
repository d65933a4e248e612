import { once } from 'node:events'
import type { DescriptorReserve } from '../streams/reserve.ts'
import { cannot, sentence } from '../words/cannot.ts'
import { CollectorError } from './collector.ts'
import { connectTo } from './connection.ts'
import { readFailure } from './read-answers.ts'
import type { Json } from './read-fields.ts'
import type { Request } from './requests.ts'
import { type Message, message, messages, WALL_VERSION } from './wire.ts'

/** Where a collector listens. Where no descriptor is left, connections are made by those of the `reserve`. */
export interface Address {
  readonly path: string
  readonly reserve?: DescriptorReserve
}

/** A way to tell the collector, once or more, to end early but well; before it was asked, and after it has answered, too. */
export class Stop {
  #told = false
  #tell = () => {}

  /** May be handed on as it is. */
  readonly stop = (): void => {
    this.#told = true
    this.#tell()
  }

  /** The request is out: `tell` sends the word. */
  begin(tell: () => void): void {
    this.#tell = tell
    if (this.#told) tell()
  }
}

/**
 * One request on a connection of its own, and what is answered to it, `end` included. Throws a CollectorError, for a `fail` too, or what the
 * signal was aborted with.
 */
export async function* ask(
  { path, reserve }: Address,
  request: Request,
  signal: AbortSignal,
  stop?: Stop,
): AsyncGenerator<Message, void, void> {
  signal.throwIfAborted()
  const { socket, pieces } = connectTo(path, reserve)
  const cut = () => socket.destroy()
  signal.addEventListener('abort', cut, { once: true })
  try {
    await once(socket, 'connect', { signal })
    socket.write(message('request', { v: WALL_VERSION, ...request }))
    stop?.begin(() => socket.write(message('stop')))
    let ended = false
    for await (const answer of messages(pieces, 'collector')) {
      if (ended) throw cannot('trust the collector', `"${answer.kind}" came after its end`)
      if (answer.kind === 'fail') {
        const { reason, because } = readFailure(answer.json)
        throw new CollectorError(because, reason)
      }
      ended = answer.kind === 'end'
      yield answer
      if (ended) return
    }
    // A connection that we have cut ourselves ends as one that was hung up.
    signal.throwIfAborted()
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof CollectorError ? error : broken(error)
  } finally {
    signal.removeEventListener('abort', cut)
    socket.destroy()
  }
}

/** The `end` of a request that has no other answer. */
export async function askOnce(at: Address, request: Request, signal: AbortSignal): Promise<Json> {
  for await (const answer of ask(at, request, signal)) {
    if (answer.kind === 'end') return answer.json
    throw broken(`"${answer.kind}" is no answer to "${request.do}"`)
  }
  throw broken('it hung up without an answer')
}

export function broken(reason: unknown): CollectorError {
  return new CollectorError('collector', `the collector failed: ${sentence(reason)}`, { cause: reason })
}

/** What is read of an answer; a CollectorError where it is not as the protocol has it. */
export function believed<Value, Json>(read: (json: Json) => Value, json: Json): Value {
  try {
    return read(json)
  } catch (error) {
    throw broken(error)
  }
}
