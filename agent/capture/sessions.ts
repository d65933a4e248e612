import type { Finding, Shutdown } from '../bundle/schema.ts'
import { fuller } from '../findings/fuller.ts'
import { lastLookBudget } from '../plan/budget.ts'
import type { Collector, Session, Watching } from '../wall/collector.ts'
import { abandonable, within } from '../words/deadline.ts'
import { type InventoryGap, type Occasion, SOURCES_OF, type SourceName } from '../words/evidence.ts'
import type { Blame } from './blame.ts'
import type { Queue } from './queue.ts'
import { gapReceipt, unaskedReceipt, untoldReceipt, withEarlier } from './receipts.ts'
import type { Time } from './time.ts'

/** What they have is to be taken while applications wait. */
const LIVE: ReadonlySet<SourceName> = new Set(['facts', 'stacks', 'live', 'memory'])

/** Who answers within a time needs some of it again until the answer is here. */
const ANSWERED = 1.5

/** Of the time in which applications wait, what the first question for what went wrong may take: without its answer what is heavy is taken. */
const EARLY_SHARE = 1 / 3

/** A source that has not said what it has, and why. */
interface Missing {
  readonly blame: Blame
  readonly gap?: InventoryGap
  /** What was in the way at first, and how often it was asked. */
  readonly first?: string
  readonly tries: number
}

/**
 * What a capture asks the collector: first what everybody has, at once; then those again who did not say it in time. What it is told
 * goes into the queue. None of it rejects: who cannot be asked becomes a receipt.
 */
export class Sessions {
  readonly #collector: Pick<Collector, 'open' | 'why'>
  readonly #occasion: Occasion
  readonly #queue: Queue
  readonly #time: Time
  readonly #missing = new Map<SourceName, Missing>()
  #latest: Session | undefined
  #watching: Watching | undefined
  /** Ends with the last look, or rejects: then the next session is watched in its place. */
  #watched: Promise<void> = Promise.resolve()

  constructor(collector: Pick<Collector, 'open' | 'why'>, occasion: Occasion, queue: Queue, time: Time) {
    this.#collector = collector
    this.#occasion = occasion
    this.#queue = queue
    this.#time = time
  }

  /** Sources that could not be asked yet, and may be: a host that has said no twice means it. */
  get missing(): ReadonlySet<SourceName> {
    const worth = [...this.#missing].filter(([, { blame, tries }]) => blame.because !== 'host' || tries < 2)
    return new Set(worth.map(([source]) => source))
  }

  /**
   * Asks which shutdown this is, beside all else, once it is `certain`: before that systemd does not know. What it gives is the answer: when that
   * is not here by the end of the capture, it is waited for only as long as the question may take.
   */
  why(certain: Promise<void>): () => Promise<Shutdown | undefined> {
    const { budget, cancelled, landing } = this.#time
    let asked = Number.NEGATIVE_INFINITY
    let known: Shutdown | undefined
    const answer = certain.then(async () => {
      asked = this.#time.elapsed
      known = await this.#collector.why(landing.signal)
    })
    answer.catch(() => {})
    return async () => {
      await abandonable(answer, this.#within(asked + budget.why - this.#time.elapsed)).catch(() => {})
      return cancelled.aborted ? { ...(known ?? { kind: 'unknown' }), cancelled: true } : known
    }
  }

  /** Asks everybody. */
  async look(): Promise<void> {
    await this.#ask(SOURCES_OF[this.#occasion.boot], this.#time.budget.look, this.#time.live.signal)
  }

  /** Asks those again whose evidence is to be taken while applications wait. */
  async lookAgainWhileHeld(): Promise<void> {
    const wanted = LIVE.intersection(this.missing)
    await this.#ask(wanted, this.#time.budget.secondLook, this.#time.live.signal)
  }

  /** Asks some again; each may take `ms`. */
  async lookAgain(wanted: ReadonlySet<SourceName>, ms: number): Promise<void> {
    await this.#ask(wanted, ms, this.#time.sending.signal)
  }

  /**
   * What went wrong on the host, before applications are let go. Asked once more after the second look, where nobody was there to be asked before it; a
   * host that is slow has some of the time in which applications wait.
   */
  async earlyFindings(secondLook: Promise<void>): Promise<readonly Finding[] | undefined> {
    if (this.#latest === undefined) await secondLook
    const { witnesses, live } = this.#time.budget
    return await this.#findings(Math.max(witnesses, live * EARLY_SHARE))
  }

  /**
   * The same at the end, when nobody will look again: a host that was too busy to tell all of it, as others were being stopped, is asked once more
   * while there is time.
   */
  async lastFindings(): Promise<readonly Finding[] | undefined> {
    const { witnesses } = this.#time.budget
    const first = await this.#findings(witnesses)
    if (first?.every(({ kind }) => kind !== 'unknown')) return first
    const { budget, end } = this.#time
    return end.left() > budget.reserve ? fuller(first, await this.#findings(witnesses)) : first
  }

  /** Takes up what has come up until now, and nothing after it. */
  async lastLook(): Promise<void> {
    this.#time.lastLook()
    this.#watching?.stop()
    const limit = this.#within(lastLookBudget(this.#time.budget, this.#time.end.left()))
    try {
      await abandonable(this.#watched, limit)
    } catch (error) {
      this.#queue.tell([untoldReceipt(this.#time.blame(error))])
    }
  }

  /** Puts down who could not be asked. */
  close(): void {
    for (const [source, { gap, blame, first, tries }] of this.#missing) {
      const receipt = gap === undefined ? unaskedReceipt(source, blame) : gapReceipt(gap)
      this.#queue.tell([withEarlier(first, receipt, tries)])
    }
  }

  /** What went wrong, as far as it is known by now, by witnesses that have so many ms. */
  async #findings(witnesses: number): Promise<readonly Finding[] | undefined> {
    if (this.#latest === undefined) return undefined
    const { budget, end } = this.#time
    const ms = Math.min(witnesses, Math.max(0, end.left() - budget.lastSending))
    const limit = this.#within(ms * ANSWERED)
    return await abandonable(this.#latest.findings(ms, limit), limit).catch(() => undefined)
  }

  #within(ms: number): AbortSignal {
    return within(Math.max(0, ms), this.#time.landing.signal, this.#time.clock)
  }

  async #ask(wanted: ReadonlySet<SourceName>, ms: number, until: AbortSignal): Promise<void> {
    if (wanted.size === 0) return
    const limit = within(ms * ANSWERED, until, this.#time.clock)
    try {
      const session = await abandonable(this.#collector.open(this.#occasion, ms, limit), limit)
      const isFirst = this.#latest === undefined
      // Nobody has told of what came up since the last one was lost: whatever the new one lists is news, or known.
      const isUnwatched = this.#watching === undefined
      this.#latest = session
      this.#watch(session)
      this.#hear(session, wanted, isFirst)
      if (isUnwatched) this.#queue.push(session.listing.items, session)
    } catch (error) {
      // What it has listed before is asked for again because of its items: their receipts say what became of them.
      const unheard = this.#latest === undefined ? wanted : wanted.intersection(this.missing)
      for (const source of unheard) this.#miss(source, this.#time.blame(error))
    }
  }

  #watch(session: Session): void {
    if (this.#watching !== undefined) return
    const watching = session.watch(this.#time.landing.signal)
    const follow = async () => {
      for await (const { items, gaps } of watching.comesUp) {
        this.#queue.tell(gaps.map(gapReceipt))
        this.#queue.push(items, session)
      }
    }
    this.#watching = watching
    this.#watched = follow()
    this.#watched.catch(() => {
      this.#watching = undefined
    })
  }

  #hear(session: Session, wanted: ReadonlySet<SourceName>, isFirst: boolean): void {
    const items = session.listing.items.filter(({ source }) => wanted.has(source))
    const silent = wanted.difference(new Set(items.map(({ source }) => source)))
    const asked = (source: SourceName) => isFirst || this.#missing.has(source)
    const gaps = session.listing.gaps.filter(({ source }) =>
      source === 'collector' ? isFirst : wanted.has(source) && asked(source),
    )
    const missing = new Map<SourceName, InventoryGap>()
    for (const gap of gaps) {
      const { source, status } = gap
      if (source !== 'collector' && status === 'failed' && silent.has(source)) missing.set(source, gap)
      else this.#queue.tell([gapReceipt(gap)])
    }
    for (const [source, gap] of missing) this.#miss(source, { because: gap.because ?? 'host', reason: gap.reason }, gap)
    for (const source of wanted) if (!missing.has(source)) this.#missing.delete(source)
    this.#queue.push(items, session)
  }

  #miss(source: SourceName, blame: Blame, gap?: InventoryGap): void {
    const before = this.#missing.get(source)
    const first = before && (before.first ?? before.blame.reason)
    const tries = (before?.tries ?? 0) + 1
    this.#missing.set(source, { blame, tries, ...(gap && { gap }), ...(first !== undefined && { first }) })
  }
}
