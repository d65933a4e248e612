import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { collectorAt } from '../wall/client.ts'
import type { Collector } from '../wall/collector.ts'
import { cannot, sentence } from '../words/cannot.ts'
import { within } from '../words/deadline.ts'
import type { ReadFrom } from './standing/reading.ts'

/** ms for a Node that starts on a host under load: who asked for a capture by hand would rather wait than have none. */
const START_MS = 60_000
const POLL_MS = 20
/** What it gets to end by itself. */
const END_MS = 2_000

/** A collector of our own, for a capture by hand: it ends with us, however we end. */
export class OwnCollector implements AsyncDisposable {
  readonly collector: Collector
  readonly #child: ChildProcess
  readonly #directory: string

  private constructor(child: ChildProcess, directory: string, collector: Collector) {
    this.#child = child
    this.#directory = directory
    this.collector = collector
  }

  /** Starts it with the same settings as ours, and waits until it answers. */
  static async start({ root, set }: ReadFrom, signal: AbortSignal): Promise<OwnCollector> {
    const directory = await mkdtemp(join(tmpdir(), 'lastgasp-'))
    const socket = join(directory, 'collector.sock')
    const settings = set.flatMap((assignment) => ['--set', assignment])
    const program = [...process.execArgv, process.argv[1] ?? '', 'collector', '--by-hand', '--socket', socket]
    // As in its unit: a read that hangs blocks a thread of the pool, and four would soon be gone.
    const env = { ...process.env, UV_THREADPOOL_SIZE: '16' }
    const stdio = ['pipe', 'inherit', 'inherit'] as const
    const child = spawn(process.execPath, [...program, '--root', root, ...settings], { stdio: [...stdio], env })
    child.stdin?.on('error', () => {})
    const own = new OwnCollector(child, directory, collectorAt(socket))
    try {
      await own.#answers(within(START_MS, signal))
      return own
    } catch (error) {
      await own[Symbol.asyncDispose]()
      throw cannot('start a collector', error)
    }
  }

  async #answers(signal: AbortSignal): Promise<void> {
    const failed = Promise.withResolvers<never>()
    failed.promise.catch(() => {})
    this.#child.once('error', failed.reject)
    this.#child.once('exit', (code, by) => failed.reject(new Error(`it ended at once (${by ?? `exit ${code}`})`)))
    for (let last: unknown; ; ) {
      if (signal.aborted) throw cannot('wait for its first answer', sentence(last))
      try {
        await Promise.race([this.collector.health(signal), failed.promise])
        return
      } catch (error) {
        if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined)
          throw error
        last = error
        await sleep(POLL_MS, undefined, { signal }).catch(() => {})
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.end()
    if (this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined) {
      const exited = once(this.#child, 'exit', { signal: AbortSignal.timeout(END_MS) })
      await exited.catch(() => this.#child.kill('SIGKILL'))
    }
    await rm(this.#directory, { recursive: true, force: true })
  }
}
