import type { IncomingMessage } from 'node:http'
import type { Pace } from '../pace.ts'

/**
 * The slowest link that is served, bytes per second: taken for the rate while nothing is known of it. With 90 s, 4.5 MB get
 * through.
 */
const SLOWEST = 50 * 1024
/** How much slower than before a link may become from one moment to the next. */
const SLACK = 3

/**
 * Watches one request. It is silent once there was no sign of life for `ms` and, beyond that, for as long as all that is under
 * way may lie in buffers on this side of the link: so long its answer cannot be there.
 */
export class Silence {
  readonly #ms: number
  readonly #pace: Pace
  readonly #onSilent: () => void
  #since = performance.now()
  #timer: NodeJS.Timeout

  constructor(ms: number, pace: Pace, onSilent: () => void) {
    this.#ms = ms
    this.#pace = pace
    this.#onSilent = onSilent
    this.#timer = this.#wait(ms)
  }

  /** Something moved. */
  sign(): void {
    this.#since = performance.now()
  }

  end(): void {
    clearTimeout(this.#timer)
  }

  #wait(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#look(), Math.max(1, Math.ceil(ms)))
  }

  #look(): void {
    const { held, cautiousRate: rate = SLOWEST } = this.#pace
    const allowed = this.#ms + (SLACK * held * 1000) / Math.max(SLOWEST, rate)
    const left = this.#since + allowed - performance.now()
    // Others may have been answered meanwhile, and less is allowed: so it is looked at again before the time is up.
    if (left <= 0) this.#onSilent()
    else this.#timer = this.#wait(Math.min(left, this.#ms))
  }
}

/** Ends an answer of which nothing comes for `ms`, with `error`, unless it is its reader who does not take what is there. */
export function limitSilence(answer: IncomingMessage, ms: number, error: () => Error): void {
  const { socket } = answer
  const onQuiet = () => {
    if (answer.readableLength > 0) socket.setTimeout(ms)
    else answer.destroy(error())
  }
  socket.setTimeout(ms)
  socket.on('timeout', onQuiet)
  answer.once('close', () => socket.removeListener('timeout', onQuiet))
}
