import type { Logger } from 'pino'
import type { Collector } from '../../wall/collector.ts'
import { sentence } from '../../words/cannot.ts'
import type { Idle } from '../standing/idle.ts'
import type { Standing } from '../standing/standing.ts'

/** SIGHUP: has at once what would be noticed by itself, here and in the collector, while the daemon is `idle`. No capture comes of it. */
export function reloadOnHangup(standing: Standing, collector: Collector, log: Logger, idle: Idle): void {
  process.on('SIGHUP', () => {
    if (!idle.signal.aborted) void reload(standing, collector, log, idle.signal)
  })
}

async function reload(standing: Standing, collector: Collector, log: Logger, idle: AbortSignal): Promise<void> {
  await standing.renew()
  await collector.reload(idle).catch((error) => log.error(`cannot reload: ${sentence(error)}`))
}
