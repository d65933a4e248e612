import type { BundleName } from '../bundle/keys.ts'
import type { Finding } from '../bundle/schema.ts'
import { unasked } from '../findings/findings.ts'
import { fuller } from '../findings/fuller.ts'
import { isTrouble } from '../findings/trouble.ts'
import type { Store } from '../store/store.ts'
import type { Collector } from '../wall/collector.ts'
import { type Clock, systemClock } from '../words/clock.ts'
import { MovableDeadline } from '../words/deadline.ts'
import { OwnTime } from '../words/own-time.ts'
import { Allowance } from './allowance.ts'
import { COURSES } from './courses.ts'
import { Hold } from './hold.ts'
import { lostCrashes } from './lost-crashes.ts'
import { type Ended, openBundle } from './open-bundle.ts'
import { othersStopped } from './others-stop.ts'
import { Queue } from './queue.ts'
import { planDocument } from './receipts.ts'
import type { CaptureRequest } from './request.ts'
import { Sessions } from './sessions.ts'
import { Takes } from './takes.ts'
import { Time } from './time.ts'
import { tryAgain } from './try-again.ts'

/** What a capture asks the collector. */
export type Asked = Pick<Collector, 'open' | 'release' | 'why' | 'stopping'>

/** Whom a capture deals with. */
export interface Around {
  readonly collector: Asked
  readonly store: Store
  /** Its deadline, where somebody may move it while it runs; else `request.deadline` from now. */
  readonly deadline?: MovableDeadline
  /** Ends when the host is forced down: what there is by then becomes the bundle, within FORCED_WITHIN (plan/budget.ts). */
  readonly hurry?: AbortSignal
  /** Called once the bundle is begun in the store. */
  readonly onBegun?: (name: BundleName) => void
  /** Ends when the shutdown that it is about was cancelled: what was begun is closed well, within CANCELLED_WITHIN (plan/budget.ts). */
  readonly cancelled?: AbortSignal
  /** Resolves when the host goes for certain, where it was only announced: until then the capture stays open. */
  readonly certain?: Promise<void>
  readonly clock?: Clock
  /** Is told what went wrong on the host as soon as that is known: whoever has no store can still say it. */
  readonly found?: (findings: readonly Finding[]) => void
}

/** How a capture ended. */
export interface Captured extends Ended {
  /** Marks of what nobody need send again (queue.ts). */
  readonly stored: readonly string[]
}

/**
 * One run, from trigger to closing manifest: this is the whole order. What fails on the host becomes a receipt and the next
 * thing is taken; throws only when the bundle cannot be begun or committed (a StoreError, or the deadline).
 */
export async function capture(request: CaptureRequest, around: Around, parent: AbortSignal): Promise<Captured> {
  const { collector, store, clock = systemClock, hurry = NEVER, cancelled = NEVER, certain = NOW } = around
  const course = COURSES[request.trigger]
  const given = around.deadline ?? new MovableDeadline(request.deadline, clock)
  using time = new Time(course, given, request.hold, clock, { hurry, cancelled }, parent)
  using own = new OwnTime(clock)
  const hold = course.hold ? new Hold(collector, time, certain) : undefined
  const bundle = openBundle(store, request, time)
  void bundle.opened.then(({ name }) => around.onBegun?.(name)).catch(() => {})
  const allowance = new Allowance(request.limit ?? Number.POSITIVE_INFINITY)
  const queue = new Queue(course, time, allowance)
  const { trigger, before } = request
  const occasion = { trigger, boot: course.boot, ...(before !== undefined && { before }) }
  const sessions = new Sessions(collector, occasion, queue, time)
  const takes = new Takes(queue, { store: bundle.store, time, own, allowance })

  // Reading waits for nobody; only the writes wait until the bundle is open.
  const why = course.why ? sessions.why(certain) : undefined
  await sessions.look()
  const secondLook = sessions.lookAgainWhileHeld()
  const early = sessions.earlyFindings(secondLook)
  void early.then((findings) => findings && around.found?.(findings))
  const decided = early.then((findings) => queue.decide(isTrouble(findings)))
  const [plan, rates] = [queue.look(), queue.rates]
  bundle.note('plan.json', (name) => planDocument(name, plan, rates))

  // While applications wait: facts, and what lives; what is heavy only where something is wrong, or nobody has said in time that nothing is.
  const more = secondLook.then(() => (queue.isUndecided ? decided : undefined))
  await takes.all(time.live.signal, more)
  queue.decide(true)
  queue.letGo()
  await hold?.release()

  // Applications stop meanwhile. A store that could not be reached by now ends it here.
  const stopped = course.window ? certain.then(() => othersStopped(collector, time)) : undefined
  await bundle.opened
  await takes.all(time.sending.signal)
  await tryAgain(sessions, queue, takes, time)
  // A host that is only said to go still runs; who is still being stopped may crash. What comes up of it is taken.
  await takes.all(time.sending.signal, Promise.all([stopped, takes.stored(time.landing.signal)]))
  await takes.stored(time.landing.signal)

  // What came up at the end, and who died in the meantime.
  await sessions.lastLook()
  const late = sessions.lastFindings()
  await takes.all(time.sending.signal)
  await takes.stored(time.landing.signal)

  sessions.close()
  const findings = fuller(await early, await late, Date.now() - time.elapsed) ?? unasked('the collector did not say')
  around.found?.(findings)
  const told = queue.close()
  const receipts = [...told, ...lostCrashes(findings, told)]
  const ending = { shutdown: await why?.(), findings, receipts, duration: time.elapsed, held: hold?.ms }
  return { ...(await bundle.close(ending)), stored: queue.stored }
}

const NEVER = new AbortController().signal
const NOW = Promise.resolve()
