import { parseArgs } from 'node:util'
import { type Logger, pino } from 'pino'
import { capture } from '../capture/capture.ts'
import { collectorAt } from '../wall/client.ts'
import type { Collector } from '../wall/collector.ts'
import { COLLECTOR_SOCKET } from '../wall/wire.ts'
import { sentence } from '../words/cannot.ts'
import { aborted, within } from '../words/deadline.ts'
import { failureLine, successLine } from './console-line.ts'
import { keepAttending } from './stand-by.ts'
import { keepStanding } from './standing/keep-standing.ts'
import { readStanding } from './standing/reading.ts'
import { type AtTrigger, Standing } from './standing/standing.ts'
import { standingFiles } from './standing/watch.ts'

/**
 * `lastgasp daemon`: waits, with everything loaded, for `hostGoes` (SIGTERM, by systemd); then captures,
 * says one line on standard output (the console) and ends. What changes meanwhile is noticed; SIGHUP looks at once.
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
  const read = (limit: AbortSignal) => readStanding(values, limit)
  const standing = await Standing.begin(read, log, idle)
  void keepStanding(standing, collector, standingFiles(values.root), idle)
  process.on('SIGHUP', () => {
    if (!idle.aborted) void reload(standing, collector, log, idle)
  })
  // Attends through the capture too: the lock is let go by `release`, or by our death.
  void keepAttending(collector, log, idle, parent)
  await aborted(idle)
  if (parent.aborted) return
  log.info('the host goes down: capturing')
  process.stdout.write(`${await gasp(await standing.atTrigger(), collector, parent)}\n`)
  endNow()
}

/** On SIGHUP: at once what would be noticed by itself, here and in the collector. */
async function reload(standing: Standing, collector: Collector, log: Logger, idle: AbortSignal): Promise<void> {
  await standing.renew()
  await collector.reload(idle).catch((error) => log.error(`cannot reload: ${sentence(error)}`))
}

/** The capture of a host that goes down, and what there is to say of it. Never rejects. */
async function gasp({ request, store }: AtTrigger, collector: Collector, signal: AbortSignal): Promise<string> {
  if (store instanceof Error) {
    await collector.release(within(RELEASE_MS, signal)).catch(() => {})
    return failureLine(store, undefined)
  }
  try {
    return successLine(await capture({ ...request, trigger: 'shutdown' }, { collector, store }, signal), store.url)
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
