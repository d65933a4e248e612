import { cannot } from '../../../words/cannot.ts'
import { withinOwn } from '../../../words/own-time.ts'
import type { CoreFile } from '../../crashed-cores/core-file.ts'
import { type LoggedCrash, loggedCrashes } from '../../crashed-cores/logged-crashes.ts'
import type { Ledger } from '../../host/ledger.ts'
import type { HandedCrash } from '../../kept-stacks/handed-crashes.ts'
import { Workshop } from '../../kept-stacks/unwind-process.ts'
import { Images } from '../../unwind/images.ts'
import { Names } from '../../unwind/names/names.ts'
import type { Crash } from './crash-files.ts'
import { crashTrace } from './crash-trace.ts'
import type { Crashes } from './find-crashes.ts'

/** ms to look for what was logged of cores, of which we were run. */
const LOGGED_MS = 3_000
/** ms for all cores that are read for it, of which we were run: the living are to be told of, too. */
const CRASHES_MS = 20_000
const LATE = 'there was no time to tell where it crashed'

/** What is known of each crash, those that just happened first: what was unwound then; what was logged, else what its core tells; what was logged only. */
export async function* crashesOf(
  root: string,
  { cores, logged: alone }: Crashes,
  handed: readonly HandedCrash[],
  troubles: Ledger,
  signal: AbortSignal,
): AsyncGenerator<Crash, void, void> {
  yield* handed
  yield* ofCores(root, cores, troubles, signal)
  for (const { trace, core: _, ...identity } of alone) {
    const label = `${identity.comm ?? 'process'}.${identity.pid ?? 0}`
    if (trace !== undefined) yield { label, identity, logged: trace }
  }
}

async function* ofCores(
  root: string,
  cores: readonly CoreFile[],
  troubles: Ledger,
  signal: AbortSignal,
): AsyncGenerator<Crash, void, void> {
  if (cores.length === 0) return
  const logged = await loggedOf(root, signal)
  const workshop = new Workshop(new Images(), new Names())
  using all = withinOwn(CRASHES_MS, signal)
  for (const core of cores) {
    const { path } = core
    const { trace, core: _, ...entry } = logged.get(path) ?? {}
    const of = { label: core.label.replace(/\.core$/, ''), core: path, identity: { ...entry, ...core.identity } }
    try {
      if (trace !== undefined) yield { ...of, logged: trace }
      else if (!all.signal.aborted) yield { ...of, unwound: await crashTrace(root, core, workshop, all.signal) }
      else troubles.lost(path, LATE)
    } catch (error) {
      if (all.signal.aborted) troubles.lost(path, LATE)
      else troubles.note(path, cannot('tell where it crashed', error))
    }
  }
}

/** What was logged of cores, by their paths: the newest of each. */
async function loggedOf(root: string, signal: AbortSignal): Promise<ReadonlyMap<string, LoggedCrash>> {
  using limit = withinOwn(LOGGED_MS, signal)
  const all = await loggedCrashes(root, limit.signal)
  return new Map(all.toReversed().flatMap((one) => (one.core === undefined ? [] : [[one.core, one]])))
}
