import { setTimeout as sleep } from 'node:timers/promises'
import { carriedOver } from '../settings/carry-over.ts'
import type { Loaded } from '../settings/layers.ts'
import type { Health, Taken } from '../wall/answers.ts'
import { readGap, readListedItem, readTaken, unreadable } from '../wall/read-answers.ts'
import { Refusal } from '../wall/refusal.ts'
import { cannot, sentence } from '../words/cannot.ts'
import { abandonable, aborted, within } from '../words/deadline.ts'
import type { InventoryGap, ListedItem, SourceName } from '../words/evidence.ts'
import { CLASS_OF } from '../words/evidence.ts'
import { clearance } from './clearance.ts'
import { collect } from './collect.ts'
import type { HoldLock } from './hold-lock.ts'
import { renewSettings } from './renew-settings.ts'
import type { Found, Inventory, Source, SourceContext } from './sources/source.ts'
import { askWhy } from './why.ts'
import { lookAround } from './witnesses/look-around.ts'

/** What the collector knows while it runs. */
export interface Desk {
  readonly root: string
  readonly version: string
  readonly sources: readonly Source[]
  /** undefined: a capture by hand, which holds nobody. */
  readonly hold: HoldLock | undefined
  loaded: Loaded
  readonly reload: (signal: AbortSignal) => Promise<Loaded>
  /** What the capture under way was given, by id, and told of otherwise; and when it began, in ms since the epoch. */
  listing: Map<string, Found>
  gaps: InventoryGap[]
  began: number
  /** Daemons that attend: while there is one, applications wait for it at shutdown. */
  attending: number
}

/** Where an answer goes; both wait while the daemon is not reading. */
export interface Answer {
  readonly send: (kind: 'item' | 'end', json: object) => Promise<void>
  /** Until the bytes are out: they may be overwritten then. */
  readonly data: (bytes: Buffer) => Promise<void>
}

/** ms: what a source may take to say what has come up since, which is little. */
const SINCE_MS = 4_000
/** ms: the longest that a daemon may allow, which is as long as a capture can be (settings/schema.ts). */
const LONGEST_MS = 30 * 60_000

/** Answers one request of PROTOCOL.md. Throws what becomes `fail`. */
export async function answerRequest(
  desk: Desk,
  request: Readonly<Record<string, unknown>>,
  answer: Answer,
  stop: AbortSignal,
  signal: AbortSignal,
): Promise<void> {
  switch (request.do) {
    case 'inventory':
      await renewSettings(desk, signal)
      desk.listing = new Map()
      desk.gaps = []
      desk.began = Date.now()
      return list(desk, inventory, answer, allowed(request.within), signal)
    case 'last-words':
      return list(desk, lastWords, answer, SINCE_MS, signal)
    case 'findings':
      return findings(desk, answer, allowed(request.within), signal)
    case 'take':
      return take(desk, request, answer, stop, signal)
    case 'release':
      return answer.send('end', { held: desk.hold?.release() ?? false })
    case 'attend':
      return attend(desk, answer, signal)
    case 'why':
      return answer.send('end', await askWhy(signal))
    case 'reload':
      desk.loaded = carriedOver(await desk.reload(signal), desk.loaded)
      return answer.send('end', {})
    case 'health':
      await renewSettings(desk, signal)
      return answer.send('end', health(desk))
    default:
      throw new Refusal('collector', `cannot answer: "${String(request.do)}" is no request`)
  }
}

/** What a request allows each source, in ms. */
function allowed(ms: unknown): number {
  if (typeof ms === 'number' && ms >= 0 && ms <= LONGEST_MS) return ms
  throw new Refusal('collector', `cannot take "${String(ms)}" for a time in ms: it is 0 to ${LONGEST_MS}`)
}

const inventory = (source: Source, context: SourceContext, signal: AbortSignal): Promise<Inventory> =>
  source.inventory(context, signal)

const lastWords = async (source: Source, context: SourceContext, signal: AbortSignal): Promise<Inventory> =>
  (await source.lastWords?.(context, signal)) ?? { found: [], gaps: [] }

function contextFor(desk: Desk, source: Source, ms: number): SourceContext {
  const given = [...desk.listing.keys()].map((id) => id.split(':'))
  const seen = new Set(given.filter(([name]) => name === source.name).map(([, ...id]) => id.join(':')))
  return { settings: desk.loaded.settings, root: desk.root, seen, ms }
}

/** Asks all sources side by side (one that hangs costs the others nothing) and sends what they have within `ms`. */
async function list(
  desk: Desk,
  ask: (source: Source, context: SourceContext, signal: AbortSignal) => Promise<Inventory>,
  answer: Answer,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  const limit = within(ms, signal)
  const inventories = desk.sources.map(async (source) => {
    try {
      return { source, ...(await abandonable(ask(source, contextFor(desk, source, ms), limit), limit)) }
    } catch (error) {
      return { source, found: [], gaps: [unanswered(source.name, error)] }
    }
  })
  for (const asked of inventories) {
    const { source, found, gaps } = await asked
    for (const item of found) {
      const id = `${source.name}:${item.id}`
      desk.listing.set(id, item)
      await answer.send('item', told('item', readListedItem, listed(desk, id, item)))
    }
    desk.gaps.push(...gaps)
    for (const gap of gaps) await answer.send('item', told('gap', readGap, gap))
  }
  await answer.send('end', {})
}

async function findings(desk: Desk, answer: Answer, ms: number, signal: AbortSignal): Promise<void> {
  // One that was started anew within a capture knows neither when it began nor which cores there are.
  if (desk.began === 0) throw new Refusal('collector', 'cannot tell of findings: no capture has begun here')
  const cores = [...desk.listing.values()].filter(({ source }) => source === 'cores')
  const limit = within(ms, signal)
  for (const finding of await lookAround(desk.root, { cores, gaps: desk.gaps, began: desk.began }, limit))
    await answer.send('item', { finding })
  await answer.send('end', {})
}

function listed(desk: Desk, id: string, { open: _, ...item }: Found): ListedItem {
  const cleared = clearance(item.class, desk.loaded.settings.seal)
  const closed = cleared.kind === 'closed' ? { closed: cleared.reason } : {}
  return { ...item, id, sealed: cleared.kind === 'sealed', ...closed }
}

/** As the protocol has it: what a source says may be longer, or no number. What it cannot tell costs that alone. */
function told<Value>(name: string, read: (value: unknown) => Value, value: Value): object {
  try {
    return { [name]: read(value) }
  } catch (error) {
    return { gap: unreadable(value, error) }
  }
}

function unanswered(source: SourceName, error: unknown): InventoryGap {
  return {
    source,
    class: CLASS_OF[source],
    status: 'failed',
    reason: sentence(cannot(`ask what ${source} has`, error)),
  }
}

async function take(
  desk: Desk,
  { id, limit }: Readonly<Record<string, unknown>>,
  answer: Answer,
  stop: AbortSignal,
  signal: AbortSignal,
): Promise<void> {
  const found = desk.listing.get(String(id))
  if (found === undefined) throw new Refusal('collector', `cannot take "${String(id)}": it was not in this inventory`)
  if (typeof limit !== 'number' || !(limit >= 0)) throw new Refusal('collector', 'cannot take: limit is no size')
  const cleared = clearance(found.class, desk.loaded.settings.seal)
  if (cleared.kind === 'closed') throw new Refusal('seal', cleared.reason)
  const collecting = collect(found, limit, cleared, stop, signal)
  try {
    let step = await collecting.next()
    for (; step.done !== true; step = await collecting.next(step.value)) await answer.data(step.value)
    await answer.send('end', readTaken(step.value satisfies Taken))
  } finally {
    collecting.return(undefined as never).catch(() => {})
  }
}

async function attend(desk: Desk, answer: Answer, signal: AbortSignal): Promise<void> {
  desk.attending += 1
  try {
    await answer.send('item', { held: await acquired(desk, signal) })
    await aborted(signal)
  } finally {
    desk.attending -= 1
    // A daemon that died must not keep the applications of a host that goes down.
    if (desk.attending === 0) desk.hold?.release()
  }
}

/** Somebody may look at the lock with flock(1) at this very moment: tried again for a while. */
async function acquired({ hold }: Desk, signal: AbortSignal): Promise<boolean> {
  for (let tries = 0; hold !== undefined && !hold.acquire() && tries < LOCK_TRIES; tries++)
    await sleep(LOCK_PAUSE_MS, undefined, { signal })
  return hold?.held ?? false
}

const LOCK_TRIES = 50
const LOCK_PAUSE_MS = 20

function health({ version, loaded }: Desk): Health {
  const cleared = clearance('memory', loaded.settings.seal)
  const problems = loaded.problems.map(({ message }) => message)
  return { version, problems, ...(cleared.kind === 'closed' && { closed: cleared.reason }) }
}
