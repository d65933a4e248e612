import { abandonable, within } from '../../../words/deadline.ts'
import { bootOf } from '../../crashed-cores/boot.ts'
import { chooseCores } from '../../crashed-cores/choose.ts'
import { type CoreFile, markOfCore } from '../../crashed-cores/core-file.ts'
import { readCorePattern } from '../../crashed-cores/core-pattern.ts'
import { findCores } from '../../crashed-cores/find.ts'
import { type LoggedCrash, loggedCrashes } from '../../crashed-cores/logged-crashes.ts'
import { isLeft } from '../../host/boot-before.ts'
import { type Boot, thisBoot } from '../../host/this-boot.ts'
import type { SourceContext } from '../source.ts'

/** Crashes that are told as text, the most wanted. More are one crash, over and over. */
const MOST_CRASHES = 16
/** Of its time, what the look for cores may take, what of that where others than the host may write, and what the journal may take. */
const FOUND_BY = 0.5
const OTHERS_SHARE = 0.2
const LOGGED_SHARE = 0.2

/** Crashes whose stacks are told. */
export interface Crashes {
  /** The most wanted of the cores that are taken and the host vouches for. */
  readonly cores: readonly CoreFile[]
  /** Those whose stack was logged, and whose core is not there: too big, not wanted, or gone by now. */
  readonly logged: readonly LoggedCrash[]
}

/** What has crashed in the boot that the capture is about, as far as it is found in time. */
export async function findCrashes(context: SourceContext, ms: number, signal: AbortSignal): Promise<Crashes> {
  const { root, settings, before } = context
  const inTime = within(ms * FOUND_BY, signal)
  const time = { all: ms * FOUND_BY, others: ms * OTHERS_SHARE }
  const { files } = await findCores(root, settings.cores.directories, await readCorePattern(root, inTime), inTime, time)
  const boot = before?.boot ?? (await thisBoot(root, inTime))
  const isTold = (core: CoreFile) => {
    if (core.claimed || (core.kind !== 'systemd' && core.kind !== 'plain')) return false
    if (before === undefined) return true
    const { identity, at } = core
    return bootOf(core, boot) !== 'this' && isLeft({ mark: markOfCore(core), bootId: identity.bootId, at }, before)
  }
  const circumstances = { now: Date.now(), boot, read: new Set<string>() }
  const { chosen } = chooseCores(files.filter(isTold), settings.cores, circumstances)
  const cores = chosen.slice(0, MOST_CRASHES).map(({ core }) => core)
  const logged = await loggedOnly(context, boot, new Set(cores.map(({ path }) => path)), ms, signal)
  return { cores, logged: logged.slice(0, MOST_CRASHES - cores.length) }
}

async function loggedOnly(
  { root, before }: SourceContext,
  boot: Boot,
  cores: ReadonlySet<string>,
  ms: number,
  signal: AbortSignal,
): Promise<readonly LoggedCrash[]> {
  const id = before === undefined ? boot.id : before.id
  const limit = within(ms * LOGGED_SHARE, signal)
  const all = await abandonable(loggedCrashes(root, limit), limit).catch(() => [])
  signal.throwIfAborted()
  return all.filter(
    ({ bootId, trace, core }) => bootId === id && trace !== undefined && (core === undefined || !cores.has(core)),
  )
}
