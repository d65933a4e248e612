import { capture } from '../capture/capture.ts'
import type { Collector } from '../wall/collector.ts'
import { abandonable, within } from '../words/deadline.ts'
import type { Underway } from './agenda.ts'
import { failureLine, successLine } from './console-line.ts'
import type { Standing } from './standing/standing.ts'
import type { Due } from './triggers/trigger.ts'

/** What a gasp needs around it. */
export interface Around {
  /** The daemon may be told that the host goes before it has read what it stands for. */
  readonly standing: Promise<Standing>
  readonly collector: Collector
  /** Tells a person how it ended, in one line. */
  readonly say: (line: string) => void
}

/** ms from a forced end to that of the process. The engine has closed its manifest by then (plan/budget.ts), or the store is dead. */
const FORCED_MS = 1_800
/** A request to a collector that works. One that does not is not waited for: the kernel has released its lock. */
const RELEASE_MS = 1_000

/** Begins the capture that is due, and says in the end what there is to say of it. */
export function gasp(due: Due, around: Around, parent: AbortSignal): Underway {
  const since = performance.now()
  const over = new AbortController()
  const hurry = new AbortController()
  const signal = AbortSignal.any([parent, over.signal])
  const line = gasped(due, since, around, hurry.signal, signal)
  return {
    ended: abandonable(line, signal)
      .catch((error: unknown) => failureLine(error, undefined))
      .then(around.say),
    hurry: () => {
      hurry.abort(FORCED)
      setTimeout(() => over.abort(FORCED), FORCED_MS)
    },
  }
}

const FORCED = new Error('the host was forced down')

/** The capture, and the line that it comes to. Never rejects. */
async function gasped(
  { trigger, until }: Due,
  since: number,
  { standing, collector }: Around,
  hurry: AbortSignal,
  signal: AbortSignal,
): Promise<string> {
  const lease = await (await standing).atTrigger()
  const { request, store } = lease
  try {
    if (store instanceof Error) {
      await collector.release(within(RELEASE_MS, signal)).catch(() => {})
      return failureLine(store, undefined)
    }
    const end = until ?? since + request.deadline
    const deadline = Math.max(0, end - performance.now())
    try {
      const ended = await capture({ ...request, trigger, deadline }, { collector, store, hurry }, signal)
      return successLine(ended, store.url)
    } catch (error) {
      return failureLine(error, store.url)
    }
  } finally {
    void lease[Symbol.asyncDispose]()
  }
}
