import { afterOwn, type OwnTime } from '../../words/own-time.ts'

/**
 * How long one file may take, in ms of which this process was run (words/own-time.ts). Read from memory in 50 µs; what needs longer than
 * this is stuck in the kernel.
 */
export const READ_WAIT = 500
/** Stuck reads after which files of this kind are left alone: with one process hung on its memory map, others often are. */
const STUCK_OF_A_KIND = 2
/**
 * Pool threads given away to stuck reads before all reading ends: half of them, for frames are made on the same ones. libuv has
 * four, and more where the environment says so, as the collector's unit does.
 */
const STUCK_THREADS = Math.max(3, Math.floor(Number(process.env.UV_THREADPOOL_SIZE ?? 4) / 2))

/** A read that hangs in the kernel. */
export class Hung extends Error {}

/** Which reads hang, by the kind of file, so that those like them are left alone. */
export class HungReads {
  readonly #time: OwnTime
  readonly #waiting = new Set<(reason: unknown) => void>()
  readonly #stuckKinds = new Map<string, number>()
  #stuckNow = 0

  constructor(time: OwnTime) {
    this.#time = time
  }

  /** Whether one of this kind is worth a try. */
  isTried(kind: string): boolean {
    return this.#stuckNow < STUCK_THREADS && (this.#stuckKinds.get(kind) ?? 0) < STUCK_OF_A_KIND
  }

  /** What comes of `work` within READ_WAIT; else rejects with Hung, and the work is left behind with its pool thread. */
  inTime<T>(kind: string, work: () => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    let pending = true
    let stuck = false
    const late = () => {
      if (!pending) return
      stuck = true
      this.#stuckNow++
      this.#stuckKinds.set(kind, (this.#stuckKinds.get(kind) ?? 0) + 1)
      reject(new Hung(`no answer from the kernel within ${READ_WAIT} ms`))
    }
    const cancel = afterOwn(READ_WAIT, this.#time, late)
    this.#waiting.add(reject)
    work()
      .then(resolve, reject)
      .finally(() => {
        pending = false
        cancel()
        this.#waiting.delete(reject)
        if (stuck) this.#stuckNow--
      })
    return promise
  }

  /** Rejects all that is waited for. */
  giveUp(reason: unknown): void {
    for (const reject of this.#waiting) reject(reason)
  }
}
