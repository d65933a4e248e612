import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { CommandModule, InferredOptionTypes } from 'yargs'
import { checkCrashes } from '../check/check-crashes.ts'
import { checkHost, checkState } from '../check/check-host.ts'
import { checkSettings, checkStopTimeout } from '../check/check-settings.ts'
import { checkSources } from '../check/check-sources.ts'
import { checkSpool } from '../check/check-spool.ts'
import { checkStore } from '../check/check-store.ts'
import { bad, good, note, type Remark } from '../check/remark.ts'
import { OwnCollector } from '../daemon/own-collector.ts'
import { type Prepared, prepare, STOP_MARGIN_MS } from '../daemon/standing/prepare.ts'
import { STATE } from '../daemon/state.ts'
import type { Line, Style } from '../operator/terminal/line.ts'
import { table } from '../operator/terminal/table.ts'
import type { Layer } from '../settings/layers.ts'
import { collectorAt } from '../wall/client.ts'
import { COLLECTOR_SOCKET } from '../wall/wire.ts'
import { sentence } from '../words/cannot.ts'
import { within } from '../words/deadline.ts'
import { fromOf } from './capture.ts'
import { EXIT, type Exit, type Io, say, sayJson, screenOf } from './io.ts'
import type { GlobalOptions } from './options.ts'
import { toldWaits } from './told-waits.ts'

const options = {
  root: { type: 'string', requiresArg: true, default: '/', describe: 'Where the host’s file system starts' },
} as const
type Options = GlobalOptions & InferredOptionTypes<typeof options>

/** `lastgasp check` */
export const checkCommand = (io: Io): CommandModule<GlobalOptions, Options> => ({
  command: 'check',
  describe: 'Check that this host could be captured: settings, sources, permissions, a real test write, the time',
  builder: (yargs) => yargs.options(options).example('$0 check', 'on a host, as root, when its image is tried out'),
  handler: async (chosen) => {
    process.exitCode = await check(chosen, io)
  },
})

async function check(chosen: Options, io: Io): Promise<Exit> {
  const from = fromOf(chosen, io)
  const prepared = await prepare(from, io.signal)
  const { request, loaded, reading } = prepared
  const remarks: Remark[] = [
    ...(await checkSettings({ ...loaded, layers: asNamed(loaded.layers, from.storeBy) }, io.signal)),
    ...checkHost(reading),
    await checkState(chosen.root, io.signal),
    checkStopTimeout(loaded.settings.deadline, await stopTimeout(io.signal), STOP_MARGIN_MS),
    process.getuid?.() === 0
      ? good('rights', 'root')
      : note('rights', 'not root: what only root may read will be missing'),
    ...(await residentCollector(chosen.root, io.signal)),
    ...(await remarksOnStore(prepared, io)),
    ...(await checkSpool(join(chosen.root, STATE), loaded.settings.spool.max, io.signal)),
    ...(await remarksOnSources(from, request, io.signal)),
  ]
  if (chosen.output === 'json') await sayJson(io.stdout, remarks)
  else await say(io.stdout, remarkLines(remarks, io))
  return remarks.some(({ verdict }) => verdict === 'bad') ? EXIT.failed : EXIT.done
}

/** Layers under the names that their author gave them: the first of the command line stands for `--store`. */
function asNamed(layers: readonly Layer[], storeBy: string | undefined): readonly Layer[] {
  const first = layers.findIndex(({ origin }) => origin === 'command line')
  return layers.map((layer, i) => (i === first && storeBy !== undefined ? { ...layer, path: storeBy } : layer))
}

async function remarksOnStore({ store, request }: Prepared, io: Io): Promise<readonly Remark[]> {
  if (store instanceof Error) return [bad('store', store.message)]
  await using open = toldWaits(store, io)
  return await checkStore(open, request.identity, io.signal)
}

async function remarksOnSources(
  from: Parameters<typeof OwnCollector.start>[0],
  time: { deadline: number; hold: number },
  signal: AbortSignal,
): Promise<readonly Remark[]> {
  try {
    await using own = await OwnCollector.start(from, signal)
    return await checkSources(own.collector, time, signal)
  } catch (error) {
    return [bad('sources', sentence(error))]
  }
}

/** On a host the resident collector must answer; elsewhere there is none. */
async function residentCollector(root: string, signal: AbortSignal): Promise<readonly Remark[]> {
  if (root !== '/' || (await stopTimeout(signal)) === undefined) return []
  try {
    const { problems, unarmed } = await collectorAt(COLLECTOR_SOCKET).health(within(5_000, signal))
    return [
      good('collector', 'answers'),
      ...problems.map((problem) => bad('collector', problem)),
      checkCrashes(unarmed, await isActive('lastgasp-cores.service', signal)),
    ]
  } catch (error) {
    return [bad('collector', `${sentence(error)}; see: systemctl status lastgasp-collector`)]
  }
}

/** Whether systemd says that a unit is active. */
async function isActive(unit: string, signal: AbortSignal): Promise<boolean> {
  try {
    await promisify(execFile)('systemctl', ['is-active', '--quiet', unit], { signal: within(5_000, signal) })
    return true
  } catch {
    return false
  }
}

/** TimeoutStopSec= of the daemon's unit in ms; undefined where there is no such unit. */
async function stopTimeout(signal: AbortSignal): Promise<number | undefined> {
  const ask = ['show', 'lastgasp.service', '--property=LoadState,TimeoutStopUSec', '--timestamp=unix']
  try {
    const { stdout } = await promisify(execFile)('systemctl', ask, { signal: within(5_000, signal) })
    if (!stdout.includes('LoadState=loaded')) return undefined
    const spans = /^TimeoutStopUSec=(.*)$/m.exec(stdout)?.[1]?.matchAll(/(\d+)(min|ms|us|h|s)/g) ?? []
    const unit: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, min: 60_000, h: 3_600_000 }
    return [...spans].reduce((sum, [, count, of]) => sum + Number(count) * (unit[of ?? ''] ?? 0), 0)
  } catch {
    return undefined
  }
}

const STYLE: Readonly<Record<Remark['verdict'], Style>> = { good: 'green', note: 'yellow', bad: 'red' }

function remarkLines(remarks: readonly Remark[], io: Io): Line[] {
  const verdicts = { title: 'VERDICT', style: (text: string) => STYLE[text as Remark['verdict']] }
  const rows = remarks.map(({ verdict, about, says }) => [verdict, about, says])
  return table([verdicts, { title: 'ABOUT' }, { title: 'SAYS' }], rows, screenOf(io.stdout))
}
