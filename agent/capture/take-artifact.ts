import { SEALED_SUFFIX } from '../bundle/keys.ts'
import { artifactBudget, LEAST_MS, SECOND_PATIENCE, sendingBudget } from '../plan/budget.ts'
import type { Planned } from '../plan/plan.ts'
import { type Store, StoreError } from '../store/store.ts'
import { writeObject } from '../store/write-object.ts'
import { CollectorError } from '../wall/collector.ts'
import { sentence } from '../words/cannot.ts'
import { abandonable, deadlineIn, within } from '../words/deadline.ts'
import type { SourceName } from '../words/evidence.ts'
import type { OwnTime } from '../words/own-time.ts'
import { paced } from './pace.ts'
import type { Next, Outcome } from './queue.ts'
import { type Blame, failedReceipt, skippedReceipt, storedReceipt } from './receipts.ts'
import { NothingCame, somethingOf } from './something-of.ts'
import type { Time } from './time.ts'

/** What taking an artifact needs around it. */
export interface Ground {
  /** The bundle as a store of its own: keys are names below its prefix. */
  readonly store: Store
  readonly time: Time
  /** By which it is judged whether an item hangs. */
  readonly own: OwnTime
}

export interface Underway {
  /** The host's side is done: the item was read (or given up). Never rejects. */
  readonly collected: Promise<void>
  /** Never rejects: what went wrong is in it. */
  readonly outcome: Promise<Outcome>
}

/** An item may grow while it is read; one that has doubled, and more, is not read for ever. */
const growthLimit = (bytes: number) => bytes * 2 + 64 * 1024 * 1024

/** Sources that make something smaller of what does not fit, rather than be cut. */
const CHOOSES: ReadonlySet<SourceName> = new Set(['memory'])

/** Takes one planned artifact from the collector into the store. */
export function takeArtifact(next: Next, ground: Ground): Underway {
  const { promise: collected, resolve } = Promise.withResolvers<void>()
  const outcome = attempt(next, ground, resolve)
    .catch((error: unknown) => failed(next.planned, failure(error), 0))
    .finally(resolve)
  return { collected, outcome }
}

async function attempt({ entry, planned, waiting }: Next, ground: Ground, onCollected: () => void): Promise<Outcome> {
  const { store, time, own } = ground
  const { clock, landing, sending } = time
  const { item, cost } = planned
  const left = item.phase === 'stored' ? time.room.all : time.room.live
  if (left < LEAST_MS) return { receipt: skippedReceipt(planned, time.up) }
  const began = clock.now()
  const elapsed = () => clock.now() - began
  const cutter = new AbortController()
  const signal = AbortSignal.any([landing.signal, cutter.signal])
  const limit = planned.decision === 'degrade' && CHOOSES.has(item.source) ? planned.limit : growthLimit(item.bytes)
  const taking = entry.session.take(item.id, limit, signal)
  taking.taken.then(onCollected, onCollected)
  const budget = artifactBudget(cost.ms, left, waiting)
  const { stall, close } = time.budget
  const patience = {
    ...{ own, close, up: () => time.up },
    stall: Math.max(stall, item.patience ?? 0) * (entry.tries > 1 ? SECOND_PATIENCE : 1),
    budget: within(budget, AbortSignal.any([time.forced, landing.signal]), clock),
  }
  const pace = paced(taking, patience, (reason) => cutter.abort(reason))
  const said = () => abandonable(taking.taken, within(stall, landing.signal, clock))
  try {
    const until = deadlineIn(sendingBudget(budget, sending.left()), sending.signal, clock)
    const name = item.name + (item.sealed ? SEALED_SUFFIX : '')
    const stored = somethingOf(pace, item.sealed, said)
    const written = await writeObject(store, name, stored, { until }, landing.signal)
    const stopped = pace.stopped()
    const blame = stopped ?? (written.cut && failure(written.cut))
    if (blame !== undefined && written.segments.length === 0)
      return failed(planned, blame, elapsed(), stopped && 'time')
    const taken = await said().catch(() => undefined)
    return { receipt: storedReceipt(planned, { written, taken, stopped: blame, ms: elapsed() }) }
  } catch (error) {
    cutter.abort(error)
    const isFinal = error instanceof StoreError && error.failure !== 'transient'
    const receipt = failedReceipt(item, blamed(pace.stopped(), failure(error)), elapsed())
    return isFinal ? { receipt } : { receipt, hindrance: 'means' }
  }
}

/** Nothing of it is stored. */
function failed({ item }: Planned, blame: Blame, ms: number, hindrance = hindranceOf(blame)): Outcome {
  return { receipt: failedReceipt(item, blame, ms), ...(hindrance && { hindrance }) }
}

/** What may have gone when it is tried again. */
function hindranceOf({ because }: Blame): Outcome['hindrance'] {
  if (because === 'deadline') return 'time'
  if (because === 'collector' || because === 'store') return 'means'
  return because === 'host' ? 'host' : undefined
}

/** Where an item was stopped and then could not be stored either, both are told. */
function blamed(stopped: Blame | undefined, failed: Blame): Blame {
  return stopped === undefined ? failed : { ...stopped, reason: `${stopped.reason}; ${failed.reason}` }
}

/** Who is behind an error, and what it says. */
export function failure(error: unknown): Blame {
  if (error instanceof CollectorError) return { because: error.because, reason: error.message }
  if (error instanceof StoreError) return { because: 'store', reason: error.message }
  if (error instanceof NothingCame) return error.blame
  return { because: 'deadline', reason: sentence(error) }
}
