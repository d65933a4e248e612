import type { Receipt } from '../bundle/schema.ts'
import { ASSUMED_RATES, costOf, observed, type Rates } from '../plan/cost.ts'
import { byCost, byWorth, makePlan, type Order, type Planned } from '../plan/plan.ts'
import { PART_BYTES } from '../store/part-bytes.ts'
import type { Session } from '../wall/collector.ts'
import type { ListedItem, SourceName } from '../words/evidence.ts'
import type { Allowance } from './allowance.ts'
import type { Blame } from './blame.ts'
import type { Course } from './courses.ts'
import { isNeedless, isUndecided, needless, type Trouble } from './if-trouble.ts'
import { failedReceipt, skippedReceipt, withEarlier, withLater } from './receipts.ts'
import type { Time } from './time.ts'

/** An item from when it is known until its receipt. */
export interface Entry {
  item: ListedItem
  /** Who gives it. */
  session: Session
  /** How often it has been begun. */
  tries: number
  /** Why the first try gave nothing. */
  first?: string
  receipt?: Receipt
}

/** What is to be taken next. */
export interface Next {
  readonly entry: Entry
  readonly planned: Planned
  /** ms that those behind it need which are expected to fit whole */
  readonly waiting: number
}

/** How taking it went. */
export interface Outcome {
  readonly receipt: Receipt
  /**
   * What stood in its way where nothing at all is stored, and may have gone when it is tried again: `time` (it hung, or was too slow),
   * `means` (the collector or the store did not answer), or the `host`, which said no.
   */
  readonly hindrance?: 'time' | 'means' | 'host'
}

/** What is to be done, as it was decided last. */
interface Plan {
  readonly queue: Planned[]
  /** When, on the clock. */
  at: number
  /** ms that those in it need which are expected to fit whole */
  waiting: number
  /** Something of it has been taken. */
  spent: boolean
}

/** Means come back, whenever that is; a host that has said no twice means it. */
const TRIES = { time: 2, host: 2, means: Number.POSITIVE_INFINITY } as const

/** A plan is as good as the time and the rates that it was made with; making one of 10,000 items takes 20 ms. */
const REPLAN_MS = 500

/**
 * The living plan of a capture, from beginning to end: takes items as they come up, knows the rates seen so far, says what is next,
 * and keeps the receipts.
 */
export class Queue {
  readonly #course: Course
  readonly #time: Time
  readonly #allowance: Allowance
  readonly #entries = new Map<string, Entry>()
  readonly #waiting = new Map<ListedItem, Entry>()
  readonly #failed = new Set<Entry>()
  /** What the manifest tells, in the order in which it was begun. */
  readonly #told: (Entry | Receipt)[] = []
  #rates: Rates = ASSUMED_RATES
  #order: Order = byWorth
  #plan: Plan = { queue: [], at: Number.NEGATIVE_INFINITY, waiting: 0, spent: false }
  #pushed = Promise.withResolvers<void>()
  #trouble: Trouble

  constructor(course: Course, time: Time, allowance: Allowance) {
    this.#course = course
    this.#time = time
    this.#allowance = allowance
  }

  /** Resolves when something has come up. */
  get pushed(): Promise<void> {
    return this.#pushed.promise
  }

  get rates(): Rates {
    return this.#rates
  }

  /** Takes up what a session lists. What is known already is not taken twice; what has failed is asked of this session from now on. */
  push(items: readonly ListedItem[], session: Session): void {
    for (const item of items) {
      const known = this.#entries.get(item.name)
      if (known === undefined) this.#add({ item, session, tries: 0 })
      else if (this.#failed.has(known)) Object.assign(known, { item, session })
    }
    this.#stir()
  }

  /** Puts down what is no item: a source that has nothing. */
  tell(receipts: readonly Receipt[]): void {
    this.#told.push(...receipts)
  }

  /** All that waits, in order, as it would be decided now: the plan. */
  look(): readonly Planned[] {
    const room = { ...this.#time.room, bytes: this.#allowance.left }
    return makePlan([...this.#waiting.keys()], room, this.#rates, this.#order)
  }

  /**
   * What to take now, if anything. What there is no room for waits until applications are let go, or gets its receipt: not before it
   * has been planned anew, for what came before it may have taken less than was thought.
   */
  next(): Next | undefined {
    this.#keepFresh()
    while (true) {
      if (this.#plan.queue[0]?.decision === 'skip' && this.#plan.spent) this.#replan()
      const planned = this.#plan.queue.shift()
      if (planned === undefined) return undefined
      if (planned.decision === 'skip' && this.#canWait(planned)) continue
      const entry = this.#waiting.get(planned.item) as Entry
      const isLate = !this.#time.held && planned.item.phase === 'live' && isBig(planned)
      if (isLate || planned.decision === 'skip') {
        this.#skip(entry, isLate ? { ...planned, reason: LET_GO } : planned)
        continue
      }
      return this.#taken(planned)
    }
  }

  /** What to take now beside a big one: a small core that its process waits for, and is let go without in a while. */
  nextAwaited(): Next | undefined {
    this.#keepFresh()
    const { queue } = this.#plan
    const at = queue.findIndex((planned) => planned.decision === 'take' && isAwaited(planned.item) && !isBig(planned))
    const [planned] = at < 0 ? [] : queue.splice(at, 1)
    return planned && this.#taken(planned)
  }

  /** Gives back what was to be taken, and was not begun. */
  putBack({ entry }: Next): void {
    this.#waiting.set(entry.item, entry)
    this.#stir()
  }

  /** It is being taken. */
  begun(entry: Entry): void {
    if (entry.tries++ === 0) this.#told.push(entry)
  }

  /** It has been taken, or not. */
  settle(entry: Entry, { receipt, hindrance }: Outcome): void {
    this.#rates = observed(this.#rates, receipt)
    entry.receipt = withEarlier(entry.first, receipt, entry.tries)
    if (hindrance === undefined || entry.tries >= TRIES[hindrance]) return
    entry.first ??= receipt.reason ?? ''
    this.#failed.add(entry)
  }

  /** Applications are let go: what was to be taken before that is taken all the same where it is small; a big core is not. */
  letGo(): void {
    this.#time.letGo()
    this.#stir()
  }

  /** Whether something waits until it is known whether the host is in trouble. */
  get isUndecided(): boolean {
    return [...this.#waiting.keys()].some((item) => isUndecided(item, this.#trouble))
  }

  /** The host is in trouble, or is not: what was to be taken only then is taken, or gets its receipt. What is decided first holds. */
  decide(trouble: boolean): void {
    this.#trouble ??= trouble
    for (const entry of [...this.#waiting.values()]) if (isNeedless(entry.item, this.#trouble)) this.#leave(entry)
    this.#stir()
  }

  /** Whether there is something to be tried again. */
  get hasFailed(): boolean {
    return this.#failed.size > 0
  }

  /** Sources of which something has failed because it got no answer: a session may know it no longer. */
  get unanswered(): ReadonlySet<SourceName> {
    const unanswered = [...this.#failed].filter(({ receipt }) => receipt?.because === 'collector')
    return new Set(unanswered.map(({ item }) => item.source))
  }

  /** What gave nothing waits again, what costs least before the others. */
  tryAgain(): void {
    for (const entry of this.#failed) this.#waiting.set(entry.item, entry)
    this.#failed.clear()
    this.#order = byCost
    this.#stir()
  }

  /** Marks of what need not be taken again: it was stored as whole as the host has it, or there was all the time that anything is given. */
  get stored(): readonly string[] {
    const isCut = this.#time.cut.aborted
    const isLast = this.#course.time === 'generous' && !isCut
    // What was cut short with the whole capture is because of the host, too.
    const isWhole = ({ receipt }: Entry) =>
      receipt?.status === 'complete' || (receipt?.status === 'truncated' && receipt.because === 'host' && !isCut)
    return [...this.#entries.values()]
      .filter((entry) => isLast || isWhole(entry))
      .flatMap(({ item }) => item.mark ?? [])
  }

  /** What became of all of it. What still waits, or is under way, is given up. */
  close(): readonly Receipt[] {
    for (const planned of this.look()) this.#skip(this.#waiting.get(planned.item) as Entry, planned)
    return this.#told.map((told) => {
      if (!('item' in told && 'session' in told)) return told
      return told.receipt ?? failedReceipt(told.item, this.#time.cut.aborted ? this.#time.up : UNKNOWN, 0)
    })
  }

  #add(entry: Entry): void {
    const { item } = entry
    this.#entries.set(item.name, entry)
    if (isNeedless(item, this.#trouble)) this.#leave(entry)
    else if (this.#course.phases.includes(item.phase)) this.#waiting.set(item, entry)
    else this.tell([skippedReceipt({ item, cost: costOf(item, item.bytes, this.#rates) }, NOT_TAKEN)])
  }

  #leave({ item }: Entry): void {
    this.#waiting.delete(item)
    this.tell([skippedReceipt({ item, cost: costOf(item, item.bytes, this.#rates) }, needless(item))])
  }

  #skip(entry: Entry, planned: Planned): void {
    const { item } = entry
    this.#waiting.delete(item)
    const { because, reason } = this.#time.up
    const blame: Blame =
      item.closed !== undefined
        ? { because: 'seal', reason: item.closed }
        : planned.because !== undefined && because === 'deadline'
          ? { because: planned.because, reason: planned.reason ?? '' }
          : { because, reason: (because === 'deadline' ? planned.reason : undefined) ?? reason }
    if (entry.tries === 0) this.#told.push(entry)
    entry.receipt = withLater(entry.receipt, skippedReceipt(planned, blame))
  }

  #canWait(planned: Planned): boolean {
    return this.#time.held && planned.item.closed === undefined && !(planned.item.phase === 'live' && isBig(planned))
  }

  /** While applications wait, only what they wait for is taken. */
  #replan(): void {
    const all = this.look().filter(({ item }) => !isUndecided(item, this.#trouble))
    const queue = this.#time.held ? all.filter(({ item }) => item.phase !== 'stored') : [...all]
    const whole = queue.filter(({ decision }) => decision === 'take')
    const waiting = whole.reduce((sum, { cost }) => sum + cost.ms, 0)
    this.#plan = { queue, at: this.#time.clock.now(), waiting, spent: false }
  }

  #keepFresh(): void {
    if (this.#time.clock.now() - this.#plan.at > REPLAN_MS) this.#replan()
  }

  #taken(planned: Planned): Next {
    const entry = this.#waiting.get(planned.item) as Entry
    this.#waiting.delete(planned.item)
    this.#plan.spent = true
    if (planned.decision === 'take') this.#plan.waiting -= planned.cost.ms
    return { entry, planned, waiting: this.#plan.waiting }
  }

  /** The plan is to be made anew. */
  #stir(): void {
    this.#plan.at = Number.NEGATIVE_INFINITY
    this.#pushed.resolve()
    this.#pushed = Promise.withResolvers()
  }
}

/** Not in one part: it is taken alone, for its memory. */
export function isBig({ cost }: Pick<Planned, 'cost'>): boolean {
  return cost.bytesStored > PART_BYTES
}

/** The kernel hands it over, and its process cannot end before. */
function isAwaited({ identity }: ListedItem): boolean {
  return identity?.details?.source === 'cores' && identity.details.handed === true
}

const LET_GO = 'applications were let go before it could be taken'
const NOT_TAKEN: Blame = { because: 'limit', reason: 'a capture of this kind does not take it' }
const UNKNOWN: Blame = { because: 'store', reason: 'the store has not said in time what became of it' }
