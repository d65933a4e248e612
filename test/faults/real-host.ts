import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { collectorAt } from '../../agent/wall/client.ts'
import type { Collector } from '../../agent/wall/collector.ts'
import { hostOf, until } from '../daemon/processes.ts'
import { coreOf } from '../slow-link/core.ts'

const CORES = '/var/lib/systemd/coredump'
/** One that is sent at once, one in two parts, one in three. */
const SIZES = [50_000, 9_000_000, 17_000_000]

/** For one answer, on a machine that does much else. */
const HEALTH_MS = 15_000

/** A collector as its unit starts it, of a host in a directory on which some cores lie. */
export async function realHost(test: Parameters<typeof hostOf>[0]): Promise<Collector> {
  const host = await hostOf(test)
  const root = join(host.directory, 'root')
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().replaceAll('-', '')
  mkdirSync(join(root, CORES), { recursive: true })
  for (const [n, bytes] of SIZES.entries())
    writeFileSync(
      join(root, CORES, `core.app${n}.1000.${boot}.${4711 + n}.${Date.now() - 60_000}000`),
      coreOf(randomBytes(bytes)),
    )
  // Nobody else's process stands still for this, and nobody's memory is read.
  const set = [
    'stacks.processes=[]',
    'live.cores=[]',
    'executables="none"',
    'seal.unsealed="allow"',
    `cores.directories=["${CORES}"]`,
  ]
  host.collector('--root', root, ...set.flatMap((one) => ['--set', one]))
  const collector = collectorAt(host.socket)
  await until(
    async () =>
      await collector.health(AbortSignal.timeout(HEALTH_MS)).then(
        () => true,
        () => false,
      ),
    'a collector',
  )
  return collector
}
