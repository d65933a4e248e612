import type { Finding } from '../bundle/schema.ts'
import type { Lease } from '../streams/lease.ts'
import type { Because, Occasion } from '../words/evidence.ts'
import type { Attended, BootTold, Health, Listing, Stopping, Taken, Why } from './answers.ts'

/** The collector as the daemon sees it. Every call ends with its signal. */
export interface Collector {
  /** Opens a session, the conversation of one capture: what all sources have, each of which may take `within` ms to say so. */
  open(occasion: Occasion, within: number, signal: AbortSignal): Promise<Session>
  release(signal: AbortSignal): Promise<void>
  /**
   * Keeps the hold's lock taken until the signal aborts, and hears what becomes of the host; first of all that the lock is held, if it is. Rejects
   * when the collector goes away.
   */
  attend(hear: (told: Attended) => void, signal: AbortSignal): Promise<void>
  why(signal: AbortSignal): Promise<Why>
  /** Who else is being stopped. Rejects where systemd does not say. */
  stopping(signal: AbortSignal): Promise<Stopping>
  reload(signal: AbortSignal): Promise<void>
  health(signal: AbortSignal): Promise<Health>
}

/** One capture's conversation with the collector. */
export interface Session {
  readonly listing: Listing
  /** Of an occasion that is about the boot before. */
  readonly before?: BootTold
  /** Begins to take an item. `stored` must be read to its end or left; then `taken` settles. */
  take(id: string, limit: number, signal: AbortSignal): Taking
  /** What comes up while the capture runs. */
  watch(signal: AbortSignal): Watching
  /** What went wrong on the host, as far as is known by now; what matters most first. Who tells of it has `within` ms each. */
  findings(within: number, signal: AbortSignal): Promise<readonly Finding[]>
}

export interface Taking {
  readonly stored: AsyncIterable<Lease>
  /** How it went, once the collector has said so. Rejects with a CollectorError. */
  readonly taken: Promise<Taken>
  /** Ends the item early but well. */
  stop(): void
}

export interface Watching {
  /** Ends after the last look. Throws a CollectorError. */
  readonly comesUp: AsyncIterable<Listing>
  /** Asks for the last look: what has come up until now, and nothing after it. */
  stop(): void
}

/** Why the collector gave nothing: its own word, or what became of the connection. */
export class CollectorError extends Error {
  readonly because: Because
  constructor(because: Because, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CollectorError'
    this.because = because
  }
}
