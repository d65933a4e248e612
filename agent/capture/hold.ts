import type { Collector } from '../wall/collector.ts'
import { pause } from '../words/clock.ts'
import { abandonable, within } from '../words/deadline.ts'
import type { Time } from './time.ts'

/** A request to a collector that works. One that does not is not waited for: the kernel has released its lock, or will. */
const RELEASE_MS = 1_000
/** It may fail for want of a descriptor, and nobody gives one back before the applications are let go. */
const AGAIN_MS = 200

/**
 * The applications that wait for us. They are let go by `release`, or when their time has come, whatever the capture waits for then:
 * this keeps a timer of its own.
 */
export class Hold {
  readonly #collector: Pick<Collector, 'release'>
  readonly #time: Time
  #releasing: Promise<void> | undefined
  /** ms after the capture's begin at which the host went for certain, and at which they were let go. */
  #since: number | undefined
  #until: number | undefined

  /** `certain` resolves when they are going to be stopped: nobody waits before. */
  constructor(collector: Pick<Collector, 'release'>, time: Time, certain: Promise<void>) {
    this.#collector = collector
    this.#time = time
    void certain.then(() => {
      this.#since = time.elapsed
    })
    const onTime = () => void this.release()
    if (time.live.signal.aborted) onTime()
    else time.live.signal.addEventListener('abort', onTime)
  }

  /** ms for which they waited; undefined where that is not known. */
  get ms(): number | undefined {
    if (this.#since === undefined || this.#until === undefined) return undefined
    return Math.max(0, this.#until - this.#since)
  }

  /** Lets them go, once. Waits a moment for it, and never rejects. */
  async release(): Promise<void> {
    this.#releasing ??= this.#released()
    const { end, clock } = this.#time
    await abandonable(this.#releasing, within(RELEASE_MS, end.signal, clock)).catch(() => {})
  }

  async #released(): Promise<void> {
    const { end, clock } = this.#time
    while (!end.signal.aborted) {
      const limit = within(RELEASE_MS, end.signal, clock)
      try {
        await abandonable(this.#collector.release(limit), limit)
        this.#until = this.#time.elapsed
        return
      } catch {
        await pause(AGAIN_MS, clock, end.signal)
      }
    }
  }
}
