import { within } from '../../../words/deadline.ts'
import { bootOf } from '../../crashed-cores/boot.ts'
import { chooseCores } from '../../crashed-cores/choose.ts'
import { type CoreFile, markOfCore } from '../../crashed-cores/core-file.ts'
import { readCorePattern } from '../../crashed-cores/core-pattern.ts'
import { findCores } from '../../crashed-cores/find.ts'
import { isLeft } from '../../host/boot-before.ts'
import { thisBoot } from '../../host/this-boot.ts'
import type { SourceContext } from '../source.ts'

/** Crashes that are told as text, the most wanted. More are one crash, over and over. */
const MOST_CRASHES = 16
/** Of its time, what the look for cores may take, and what of that where others than the host may write. */
const FOUND_BY = 0.5
const OTHERS_SHARE = 0.2

/** The cores whose stacks are told: the most wanted of those that are taken and the host vouches for. */
export async function findCrashes(
  context: SourceContext,
  ms: number,
  signal: AbortSignal,
): Promise<readonly CoreFile[]> {
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
  return chosen.slice(0, MOST_CRASHES).map(({ core }) => core)
}
