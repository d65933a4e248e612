import type { Lease } from '../streams/lease.ts'
import { unreadable } from '../wall/read-answers.ts'
import { message } from '../wall/wire.ts'

/** Where an answer goes. Both calls wait while the daemon is not reading. */
export interface Answer {
  /** Sends a message that is ready. */
  readonly send: (message: Buffer) => Promise<void>
  /** Until the bytes are out: it is released then. One that is left behind is not, as the socket may still read from it. */
  readonly data: (piece: Lease) => Promise<void>
  /** The daemon wants no more of it: to be ended early, but well. */
  readonly stop: AbortSignal
}

/** The end of an answer. */
export const end = (json: object = {}): Buffer => message('end', json)

/** An item or gap as the protocol has it: what a source says may be longer, or no number. What it cannot tell costs that alone. */
export function told<Value>(name: 'item' | 'gap', read: (value: unknown) => Value, value: Value): Buffer {
  try {
    return message('item', { [name]: read(value) })
  } catch (error) {
    return message('item', { gap: unreadable(value, error) })
  }
}
