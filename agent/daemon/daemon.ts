import { parseArgs } from 'node:util'
import { type Logger, pino } from 'pino'
import { sentence } from '../cannot.ts'
import { capture } from '../capture.ts'
import { aborted, within } from '../deadline.ts'
import type { Loaded } from '../settings/layers.ts'
import { COLLECTOR_SOCKET } from '../wall/wire.ts'
import { type Collector, collectorAt } from './collector-client.ts'
import { failureLine, successLine } from './console-line.ts'
import { type Prepared, type PrepareFrom, prepare } from './prepare.ts'
import { keepAttending, keepWarm } from './stand-by.ts'

/**
 * `lastgasp daemon`: waits, with everything loaded, for `hostGoes` (SIGTERM, by systemd); then captures,
 * says one line on standard output (the console) and ends. SIGHUP re-reads the settings.
 */
export async function runDaemon(argv: readonly string[], hostGoes: AbortSignal, parent: AbortSignal): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      socket: { type: 'string', default: COLLECTOR_SOCKET },
      root: { type: 'string', default: '/' },
      set: { type: 'string', multiple: true, default: [] },
    },
  })
  const log = pino({ base: null, timestamp: false }, pino.destination({ dest: 2, sync: true }))
  const collector = collectorAt(values.socket)
  const idle = AbortSignal.any([hostGoes, parent])
  const ready = await makeReady(values, log, idle)

  process.on('SIGHUP', () => {
    if (!idle.aborted) void reload(ready, collector, log, idle)
  })
  // Attends through the capture too: the lock is let go by `release`, or by our death.
  void keepAttending(collector, log, idle, parent)
  await aborted(idle)
  if (parent.aborted) return
  log.info('the host goes down: capturing')
  process.stdout.write(`${await gasp(ready.prepared, collector, parent)}\n`)
  endNow()
}

/** What the daemon has at hand while it waits. */
interface Ready {
  readonly again: (before?: Loaded) => Promise<Prepared>
  prepared: Prepared
  standBy: AbortController
}

async function makeReady(from: PrepareFrom, log: Logger, idle: AbortSignal): Promise<Ready> {
  const again = async (before?: Loaded) =>
    prepare({ ...from, ...(before && { before }) }, AbortSignal.timeout(PREPARE_MS))
  const ready: Ready = { again, prepared: await again(), standBy: new AbortController() }
  standBy(ready, log, idle)
  return ready
}

/** Settings are local files: what takes longer hangs, and is left out. */
const PREPARE_MS = 10_000

/** Says what is wrong, and keeps the store at hand. */
function standBy({ prepared, standBy: { signal } }: Ready, log: Logger, idle: AbortSignal): void {
  const { store, request, loaded } = prepared
  log.level = loaded.settings.log.level
  for (const problem of request.problems) log.warn(`settings: ${problem}`)
  if (store instanceof Error) {
    log.error(`nothing will be captured: ${store.message}`)
    return
  }
  log.info(`${request.identity} is ready: bundles go to ${store.url}`)
  void keepWarm(store, log, AbortSignal.any([idle, signal]))
}

async function reload(ready: Ready, collector: Collector, log: Logger, idle: AbortSignal): Promise<void> {
  try {
    const { store } = ready.prepared
    ready.standBy.abort()
    ready.standBy = new AbortController()
    ready.prepared = await ready.again(ready.prepared.loaded)
    standBy(ready, log, idle)
    if (!(store instanceof Error)) await store[Symbol.asyncDispose]()
    await collector.reload(idle)
  } catch (error) {
    log.error(`cannot reload: ${sentence(error)}`)
  }
}

/** The capture of a host that goes down, and what there is to say of it. Never rejects. */
async function gasp({ request, store }: Prepared, collector: Collector, signal: AbortSignal): Promise<string> {
  if (store instanceof Error) {
    await collector.release(within(RELEASE_MS, signal)).catch(() => {})
    return failureLine(store, undefined)
  }
  try {
    return successLine(await capture({ ...request, trigger: 'shutdown' }, collector, store, signal), store.url)
  } catch (error) {
    return failureLine(error, store.url)
  }
}

const RELEASE_MS = 1_000

/**
 * Ends by the signal that was sent, at once: an exit would wait for the pool's threads, and one may hang in a dead resolver.
 * systemd takes SIGTERM for a clean end.
 */
function endNow(): void {
  process.removeAllListeners('SIGTERM')
  process.kill(process.pid, 'SIGTERM')
}
