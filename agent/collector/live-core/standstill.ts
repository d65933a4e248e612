import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { PTRACE_DETACH, PTRACE_INTERRUPT, PTRACE_SEIZE, type SystemCalls } from '../host/ffi.ts'
import { checkStart } from './process-facts.ts'
import { type Limits, type Target, Untouchable } from './target.ts'
import { stateOf, threadsOf } from './threads.ts'

/** waitpid(2) statuses of a thread that stands still: ptrace(2), "PTRACE_EVENT stops". */
const PTRACE_EVENT_STOP = 128
const isStopped = (status: number) => (status & 0xff) === 0x7f
/** The signal that a thread was about to get when it stopped, which is handed on when it is let go. */
const signalOf = (status: number) => (status >> 16 === PTRACE_EVENT_STOP ? 0 : (status >> 8) & 0xff)

/** ms that the others stand still for a thread in uninterruptible sleep: a disk's answer, not a dead server's. */
const SLEEPER_MS = 20
/** ms of looking again and again before the CPU is given away for a whole ms. */
const EAGER_MS = 3
/** ms between looks at a thread that was let go before it stopped, at most. */
const FOLLOW_MS = 100
const ESRCH = 3

/**
 * The threads of a process standing still by PTRACE_SEIZE and PTRACE_INTERRUPT, until they are let go: by `letGo`, by the
 * bound, by an abort of the parent signal, or by the kernel when we die. No signal is sent, none is lost.
 */
export class Standstill implements Disposable {
  /** Threads that stand still, with the signal each was about to get (0: none). */
  readonly stopped = new Map<number, number>()
  /** Threads that are not stopped: in uninterruptible sleep, or refused. */
  readonly astir = new Map<number, string>()
  /** How many were over the limit. */
  beyond = 0
  /** Aborts when the process may run on, whoever let it go. */
  readonly over: AbortSignal
  readonly #over = new AbortController()
  readonly #waiting = new Set<number>()
  readonly #system: SystemCalls
  readonly #bound: NodeJS.Timeout
  #since: number | undefined
  #ms: number | undefined

  constructor(system: SystemCalls, most: number, parent: AbortSignal) {
    this.#system = system
    this.over = this.#over.signal
    this.#bound = setTimeout(() => this.letGo(), most)
    parent.addEventListener('abort', () => this.letGo(), { once: true, signal: this.over })
  }

  /** ms from the first interrupt to the last detach, or until now. */
  get ms(): number {
    return this.#ms ?? (this.#since === undefined ? 0 : performance.now() - this.#since)
  }

  /** Seizes and interrupts a thread: 0, or the errno. */
  seize(tid: number): number {
    const errno = this.#system.ptrace(PTRACE_SEIZE, tid, 0)
    if (errno === 0) this.#waiting.add(tid)
    return errno
  }

  interrupt(tids: readonly number[]): void {
    this.#since ??= performance.now()
    for (const tid of tids) if (this.#waiting.has(tid)) this.#system.ptrace(PTRACE_INTERRUPT, tid, 0)
  }

  /** Looks which threads have stopped; gives those that have not. */
  look(): ReadonlySet<number> {
    for (const tid of this.#waiting) {
      const status = this.#system.poll(tid)
      if (status === 'running') continue
      this.#waiting.delete(tid)
      if (status !== 'gone' && isStopped(status)) this.stopped.set(tid, signalOf(status))
    }
    return this.#waiting
  }

  /** Lets all threads run on, at once; what has not stopped yet is detached as soon as it has. */
  letGo(): void {
    if (this.over.aborted) return
    clearTimeout(this.#bound)
    for (const tid of this.#waiting) this.#system.ptrace(PTRACE_INTERRUPT, tid, 0)
    // One that was killed meanwhile cannot be detached, but its end must be taken note of, else it stays a zombie.
    for (const [tid, signal] of this.stopped) {
      if (this.#system.ptrace(PTRACE_DETACH, tid, signal) !== 0) this.#waiting.add(tid)
    }
    this.#ms = this.ms
    this.#over.abort(new Error('the process was let go'))
    if (this.#waiting.size > 0) void follow(this.#waiting, this.#system)
  }

  [Symbol.dispose](): void {
    this.letGo()
  }
}

/** Only a stopped thread can be detached: looks until each has stopped and is detached, or has ended. Ends with us at the latest. */
async function follow(tids: Set<number>, system: SystemCalls): Promise<void> {
  for (let delay = 1; tids.size > 0; delay = Math.min(delay * 2, FOLLOW_MS)) {
    for (const tid of tids) {
      const status = system.poll(tid)
      if (status === 'running') continue
      const detached = typeof status !== 'number' || !isStopped(status) || detach(tid, signalOf(status), system)
      if (detached) tids.delete(tid)
    }
    await sleep(delay, undefined, { ref: false })
  }
}

const detach = (tid: number, signal: number, system: SystemCalls) => system.ptrace(PTRACE_DETACH, tid, signal) === 0

/**
 * Brings all threads of a process to a standstill, those too that are created meanwhile; `sleepers` are left alone. Throws
 * Untouchable where none can be had; the abort's reason after all are let go again.
 */
export async function standStill(
  target: Target,
  sleepers: ReadonlySet<number>,
  limits: Limits,
  system: SystemCalls,
  signal: AbortSignal,
): Promise<Standstill> {
  signal.throwIfAborted()
  const standstill = new Standstill(system, limits.freezeMs, signal)
  try {
    for (const tid of sleepers) standstill.astir.set(tid, 'is in uninterruptible sleep')
    const known = new Set(sleepers)
    while (interruptNew(target, known, standstill, limits)) await settle(target, standstill, limits)
    signal.throwIfAborted()
    if (standstill.over.aborted) throw new Untouchable(`its threads did not stop within ${limits.freezeMs} ms`)
    return standstill
  } catch (error) {
    standstill.letGo()
    throw error
  }
}

/** Whether there were threads that had not been seen before. They are seized, then interrupted. */
function interruptNew(target: Target, known: Set<number>, standstill: Standstill, limits: Limits): boolean {
  if (standstill.over.aborted) return false
  checkStart(target)
  const seized: number[] = []
  standstill.beyond = 0
  for (const tid of threadsOf(target)) {
    if (known.has(tid)) continue
    if (known.size >= limits.threads) {
      standstill.beyond += 1
      continue
    }
    known.add(tid)
    const errno = standstill.seize(tid)
    if (errno === 0) seized.push(tid)
    else if (errno !== ESRCH && !'ZX'.includes(stateOf(target, tid))) {
      standstill.astir.set(tid, `may not be traced (errno ${errno})`)
    }
  }
  // Once one is ours its pid cannot be given away any more, so this settles whose it is.
  if (seized.length > 0) checkStart(target)
  standstill.interrupt(seized)
  return seized.length > 0
}

/** Waits until all have stopped, or all that can be expected to. */
async function settle(target: Target, standstill: Standstill, limits: Limits): Promise<void> {
  let waiting = standstill.look()
  while (waiting.size > 0 && standstill.ms < limits.freezeMs / 2 && !standstill.over.aborted) {
    if (standstill.ms > SLEEPER_MS && [...waiting].every((tid) => stateOf(target, tid) === 'D')) break
    await (standstill.ms < EAGER_MS ? setImmediate() : sleep(1))
    if (!standstill.over.aborted) waiting = standstill.look()
  }
  for (const tid of waiting) standstill.astir.set(tid, `did not stop (state ${stateOf(target, tid)})`)
}

/** Why no thread of a process could be seized. */
export function refusal(tracer: number, state: string): Untouchable {
  if ('ZX'.includes(state)) return new Untouchable('it has ended: a zombie has no memory')
  if (tracer !== 0) return new Untouchable(`it is already traced, by process ${tracer}`)
  return new Untouchable('the kernel refuses to trace it, or none of its threads stops')
}
