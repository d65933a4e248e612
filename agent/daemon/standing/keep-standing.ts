import { setTimeout as sleep } from 'node:timers/promises'
import type { Collector } from '../../wall/collector.ts'
import { abandonable, within } from '../../words/deadline.ts'
import type { Standing } from './standing.ts'
import { DirectoryWatch, type Watched } from './watch.ts'

/** How often to look where nothing was heard, ms: for a host name, which no file tells of, and where there are no watches. */
const POLL_MS = 60_000
/** From a change to the reading, ms: whoever writes one file often writes another. It is also the least time between readings. */
const SETTLE_MS = 100

/** How long the collector may take to read. One that cannot be told reads when a capture begins, if it can in time. */
const TELL_MS = 10_000
/** How long to wait for watches to be set: a directory that hangs is looked at again later, and the others are watched. */
const ARM_MS = 1_000

/**
 * Renews the standing when what it is made of changes, and has the collector read its settings too, until the signal aborts.
 * Never rejects.
 */
export async function keepStanding(
  standing: Standing,
  collector: Pick<Collector, 'reload'>,
  files: readonly Watched[],
  signal: AbortSignal,
): Promise<void> {
  let heard = new AbortController()
  const watches = files.map((file) => new DirectoryWatch(file, () => heard.abort()))
  while (!signal.aborted) {
    const armed = Promise.all(watches.map((watch) => watch.arm()))
    await abandonable(armed, within(ARM_MS, signal)).catch(() => {})
    await sleep(POLL_MS, undefined, { signal: AbortSignal.any([heard.signal, signal]) }).catch(() => {})
    await sleep(SETTLE_MS, undefined, { signal }).catch(() => {})
    heard = new AbortController()
    const told = collector.reload(within(TELL_MS, signal)).catch(() => {})
    await standing.renew()
    await told
  }
  for (const watch of watches) watch[Symbol.dispose]()
}
