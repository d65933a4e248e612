import { SEALED_SUFFIX } from '../bundle/keys.ts'
import type { Receipt } from '../bundle/schema.ts'
import { artifactBudget, CLOSE_MS, LEAST_MS, STALL_MS, sendingBudget } from '../plan/budget.ts'
import { type Planned, seconds } from '../plan/plan.ts'
import { type Store, StoreError } from '../store/store.ts'
import { writeObject } from '../store/write-object.ts'
import { CollectorError, type Session } from '../wall/collector.ts'
import { sentence } from '../words/cannot.ts'
import { abandonable, type Deadline, deadlineIn, within } from '../words/deadline.ts'
import type { SourceName } from '../words/evidence.ts'
import { paced } from './pace.ts'
import { type Blame, failedReceipt, skippedReceipt, storedReceipt } from './receipts.ts'

/** What taking an artifact needs around it. */
export interface Ground {
  readonly session: Session
  /** The bundle as a store of its own: keys are names below its prefix. */
  readonly store: Store
  /** ms left for artifacts: the reserve is taken off already. */
  readonly left: () => number
  /** When the sending ends, a moment after `left` has come to 0: what was stopped has closed its frames and seal by then. */
  readonly sending: Deadline
  /** The end of everything: by then what has landed of an upload is an object. */
  readonly signal: AbortSignal
}

export interface Underway {
  /** The host's side is done: the item was read (or given up). Never rejects. */
  readonly collected: Promise<void>
  /** Never rejects: what went wrong is in it. */
  readonly receipt: Promise<Receipt>
}

/** An item may grow while it is read; one that has doubled, and more, is not read for ever. */
const growthLimit = (bytes: number) => bytes * 2 + 64 * 1024 * 1024

/** Sources that make something smaller of what does not fit, rather than be cut. */
const CHOOSES: ReadonlySet<SourceName> = new Set(['memory'])

/** Takes one planned artifact from the collector into the store, while others that need `waiting` ms stand behind it. */
export function takeArtifact(planned: Planned, waiting: number, ground: Ground): Underway {
  const { promise: collected, resolve } = Promise.withResolvers<void>()
  const receipt = attempt(planned, waiting, ground, resolve)
    .catch((error: unknown) => failedReceipt(planned, failure(error), 0))
    .finally(resolve)
  return { collected, receipt }
}

async function attempt(planned: Planned, waiting: number, ground: Ground, onCollected: () => void): Promise<Receipt> {
  const { item, cost } = planned
  if (item.closed !== undefined) return skippedReceipt(planned, 'seal', item.closed)
  const left = ground.left()
  if (left < LEAST_MS) return skippedReceipt(planned, 'deadline', `no time: it needs about ${seconds(cost.ms)}`)
  const started = performance.now()
  const cutter = new AbortController()
  const signal = AbortSignal.any([ground.signal, cutter.signal])
  const limit = planned.decision === 'degrade' && CHOOSES.has(item.source) ? planned.limit : growthLimit(item.bytes)
  const taking = ground.session.take(item.id, limit, signal)
  taking.taken.then(onCollected, onCollected)
  const budget = artifactBudget(cost.ms, left, waiting)
  const pace = paced(taking, Math.max(STALL_MS, item.patience ?? 0), within(budget, ground.signal), (reason) =>
    cutter.abort(reason),
  )
  const name = item.name + (item.sealed ? SEALED_SUFFIX : '')
  try {
    const until = deadlineIn(sendingBudget(budget, ground.sending.left()), ground.sending.signal)
    const written = await writeObject(ground.store, name, pace.stored, { until }, ground.signal)
    const cut = written.cut && failure(written.cut)
    const stopped = pace.stopped() ?? cut
    if (stopped !== undefined && written.segments.length === 0)
      return failedReceipt(planned, stopped, performance.now() - started)
    const taken = await abandonable(taking.taken, within(CLOSE_MS, ground.signal)).catch(() => undefined)
    const ms = performance.now() - started
    return storedReceipt(planned, { written, taken, stopped, ms })
  } catch (error) {
    cutter.abort(error)
    return failedReceipt(planned, blamed(pace.stopped(), failure(error)), performance.now() - started)
  }
}

/** Where an item was stopped and then could not be stored either, both are told. */
function blamed(stopped: Blame | undefined, failed: Blame): Blame {
  return stopped === undefined ? failed : { ...stopped, reason: `${stopped.reason}; ${failed.reason}` }
}

/** Who is behind an error, and what it says. */
export function failure(error: unknown): Blame {
  if (error instanceof CollectorError) return { because: error.because, reason: error.message }
  if (error instanceof StoreError) return { because: 'store', reason: error.message }
  return { because: 'deadline', reason: sentence(error) }
}
