import { SEALED_SUFFIX } from '../bundle/keys.ts'
import { artifactBudget, LEAST_MS, SECOND_PATIENCE, sendingBudget } from '../plan/budget.ts'
import type { Planned } from '../plan/plan.ts'
import { type Store, StoreError } from '../store/store.ts'
import { writeObject } from '../store/write-object.ts'
import { abandonable, deadlineIn, within } from '../words/deadline.ts'
import type { SourceName } from '../words/evidence.ts'
import type { OwnTime } from '../words/own-time.ts'
import type { Allowance } from './allowance.ts'
import { type Blame, blamed } from './blame.ts'
import { paced } from './pace.ts'
import type { Next, Outcome } from './queue.ts'
import { failedReceipt, skippedReceipt, storedReceipt } from './receipts.ts'
import { somethingOf } from './something-of.ts'
import type { Time } from './time.ts'

/** What taking an artifact needs around it. */
export interface Ground {
  /** The bundle as a store of its own: keys are names below its prefix. */
  readonly store: Store
  readonly time: Time
  /** By which it is judged whether an item hangs. */
  readonly own: OwnTime
  /** What the bundle may still take of the store. */
  readonly allowance: Allowance
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
const CHOOSES: ReadonlySet<SourceName> = new Set(['memory', 'files'])

/** Takes one planned artifact from the collector into the store. */
export function takeArtifact(next: Next, ground: Ground): Underway {
  const { promise: collected, resolve } = Promise.withResolvers<void>()
  const outcome = attempt(next, ground, resolve)
    .catch((error: unknown) => failed(next.planned, ground.time.blame(error), 0))
    .finally(resolve)
  return { collected, outcome }
}

async function attempt({ entry, planned, waiting }: Next, ground: Ground, onCollected: () => void): Promise<Outcome> {
  const { store, time, own, allowance } = ground
  const { clock, landing, sending } = time
  const { item, cost } = planned
  const isLive = item.phase !== 'stored'
  const left = isLive ? time.room.live : time.room.all
  if (left < LEAST_MS) return { receipt: skippedReceipt(planned, time.upFor(cost.ms)) }
  const share = allowance.share(planned.decision === 'degrade' ? planned.limit * item.ratio : cost.bytesStored)
  const began = clock.now()
  const elapsed = () => clock.now() - began
  const cutter = new AbortController()
  const signal = AbortSignal.any([landing.signal, cutter.signal])
  const isShort = planned.decision === 'degrade' && (CHOOSES.has(item.source) || planned.because === 'limit')
  const limit = isShort ? planned.limit : growthLimit(item.bytes)
  const taking = entry.session.take(item.id, limit, signal)
  taking.taken.then(onCollected, onCollected)
  const budget = artifactBudget(cost.ms, left, waiting)
  // Who may take all that is left may take more when the deadline is moved.
  const isAll = budget >= left
  const { stall, close } = time.budget
  const reading = AbortSignal.any([time.reading(isLive).signal, landing.signal])
  const patience = {
    ...{ own, close, up: () => (share.full.aborted ? allowance.blame : time.up) },
    stall: Math.max(stall, item.patience ?? 0) * (entry.tries > 1 ? SECOND_PATIENCE : 1),
    budget: AbortSignal.any([isAll ? reading : within(budget, reading, clock), share.full]),
  }
  const pace = paced(taking, patience, (reason) => cutter.abort(reason))
  const said = () => abandonable(taking.taken, within(stall, landing.signal, clock))
  try {
    const sendingMs = sendingBudget(budget, sending.left())
    const until = isAll && !(isLive && time.held) ? sending : deadlineIn(sendingMs, sending.signal, clock)
    const name = item.name + (item.sealed ? SEALED_SUFFIX : '')
    const stored = share.counted(somethingOf(pace, item.sealed, said))
    const written = await writeObject(store, name, stored, { until }, landing.signal)
    const stopped = pace.stopped()
    const blame = stopped ?? (written.cut && time.blame(written.cut))
    if (blame !== undefined && written.segments.length === 0)
      return failed(planned, blame, elapsed(), stopped && 'time')
    const taken = await said().catch(() => undefined)
    const short: Blame | undefined =
      isShort && taken?.truncated !== undefined
        ? planned.because === 'limit'
          ? { because: 'limit', reason: planned.reason ?? '' }
          : { because: 'deadline', reason: taken.truncated }
        : undefined
    return { receipt: storedReceipt(planned, { written, taken, stopped: blame ?? short, ms: elapsed() }) }
  } catch (error) {
    cutter.abort(error)
    const isFinal = error instanceof StoreError && error.failure !== 'transient'
    const receipt = failedReceipt(item, blamed(pace.stopped(), time.blame(error)), elapsed())
    return isFinal ? { receipt } : { receipt, hindrance: 'means' }
  } finally {
    allowance.end(share)
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
