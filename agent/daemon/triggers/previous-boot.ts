import type { Logger } from 'pino'
import type { About } from '../../bundle/schema.ts'
import type { Collector, Session } from '../../wall/collector.ts'
import { sentence } from '../../words/cannot.ts'
import { type Clock, pause, systemClock } from '../../words/clock.ts'
import { countOf } from '../../words/count-of.ts'
import { abandonable, within } from '../../words/deadline.ts'
import type { ListedItem, SourceName } from '../../words/evidence.ts'
import type { Memory } from '../remembered/memory.ts'
import type { Life } from '../remembered/remembered.ts'
import type { Due, Watch } from './trigger.ts'

/** ms from the daemon's start, in which the host has better things to do than to look back. */
const CALM_MS = 5_000
/** ms that each source has to say what the boot before has left. */
const LOOK_MS = 10_000
/** ms between two tries, growing: a collector that does not answer yet, a store that nobody has named, a network that comes up late. */
const RETRY = { first: 15_000, most: 10 * 60_000 } as const
/**
 * ms since the host was started, after which a daemon that has nothing to remember does not look back: it was started anew, most
 * likely, and the first has sent what there was.
 */
const LATE_MS = 10 * 60_000

/** What lies on the host from boot to boot until somebody takes it away. */
const LEFT: ReadonlySet<SourceName> = new Set(['pstore', 'cores'])

export interface Around {
  readonly collector: Pick<Collector, 'open'>
  readonly memory: Promise<Pick<Memory, 'owes' | 'before' | 'told' | 'dealtWith'>>
  /** ms since the host was started. */
  readonly uptime: () => Promise<number>
  readonly log: Pick<Logger, 'info' | 'warn'>
  readonly clock?: Clock
}

/**
 * Soon after start: whether the boot before has left something, or went without being captured. Looks again for as long as its capture
 * comes to nothing, and until the signal aborts.
 */
export function previousBoot(around: Around): Watch {
  return (tell, signal) => {
    const onFailed = (error: unknown) => {
      if (!signal.aborted) around.log.warn(`the boot before is not looked at: ${sentence(error)}`)
    }
    void lookBack(around, (due) => tell({ is: 'due', due }), signal).catch(onFailed)
  }
}

async function lookBack(around: Around, begin: (due: Due) => void, signal: AbortSignal): Promise<void> {
  const { collector, uptime, log, clock = systemClock } = around
  await pause(CALM_MS, clock, signal)
  const memory = await abandonable(around.memory, signal)
  if (memory.owes === 'no' || (memory.owes === 'unknown' && (await uptime()) > LATE_MS)) return
  for (let failures = 0; !signal.aborted; failures++) {
    const { before, told } = memory
    const occasion = { trigger: 'previous-boot', boot: 'previous', ...(told && { before: told }) } as const
    const session = await collector
      .open(occasion, LOOK_MS, within(2 * LOOK_MS, signal, clock))
      .catch((error: unknown) => sentence(error))
    signal.throwIfAborted()
    if (typeof session === 'string') {
      if (failures === 0) log.warn(`cannot look at the boot before yet: ${session}`)
    } else {
      const why = reasonIn(session, before)
      if (why === undefined) return memory.dealtWith()
      log.info(`of the boot before: ${why}`)
      const { promise: ended, resolve } = Promise.withResolvers<boolean>()
      const about = aboutOf(session, before)
      begin({ trigger: 'previous-boot', about, ...(told && { before: told }), onEnd: resolve })
      if (await abandonable(ended, signal)) return
    }
    await pause(Math.min(RETRY.most, RETRY.first * 2 ** failures), clock, signal)
  }
}

/** Why the boot before is to be captured; undefined where all is well. */
function reasonIn({ listing, before: found }: Session, before: Life | undefined): string | undefined {
  if (found?.journal === 'cut') return 'it went without a word'
  if (before?.captured === false) return 'its end was not captured'
  // What may not leave the host is told of where it is known to have been taken: one capture would follow another.
  const left = listing.items.filter(({ source, closed }: ListedItem) => LEFT.has(source) && closed === undefined)
  return left.length === 0 ? undefined : `it has left ${countOf(left.length, 'file')}`
}

function aboutOf({ before: found }: Session, before: Life | undefined): About {
  const bootId = found?.id ?? before?.id
  const bundle = before?.bundle
  return { ...(bootId !== undefined && { bootId }), ...(bundle !== undefined && { bundle }) }
}
