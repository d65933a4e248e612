import type { Fingerprinted } from '../../../words/details.ts'
import type { ProcessTrace } from '../../kept-stacks/process-trace.ts'
import type { HungThread } from '../../processes/hangs.ts'
import { fingerprintOf, plainFrames } from './fingerprint.ts'

/** A fingerprint for each way in which threads of this process hang. */
export function hangFingerprints(
  { process: { pid }, stacks }: Pick<ProcessTrace, 'process' | 'stacks'>,
  hangs: readonly HungThread[],
): readonly Fingerprinted[] {
  const own = hangs.filter(({ process }) => process.pid === pid)
  return [...Map.groupBy(own, ({ kind }) => kind)].flatMap(([kind, hung]) => {
    const threads = hung.flatMap((one) => {
      if (one.kind !== 'deadlock') return [one.tid]
      // Where nobody is known to hold what another waits for, all of them wait.
      return one.waits.length > 0 ? one.waits.map(({ tid }) => tid) : stacks.flatMap(({ tids }) => tids)
    })
    const stood = stacks.filter(({ tids }) => tids.some((tid) => threads.includes(tid)))
    const fingerprint = fingerprintOf(stood.map(({ frames }) => plainFrames(frames)))
    return fingerprint === undefined ? [] : [{ of: kind, pid, fingerprint }]
  })
}
