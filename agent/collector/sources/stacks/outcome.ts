import { countOf } from '../../../words/count-of.ts'
import { type GoneProcess, LISTED, type StacksDetails } from '../../../words/details.ts'
import type { Ledger } from '../../host/ledger.ts'
import type { Outcome } from '../../host/reading.ts'
import type { CoreRow } from '../../processes/core-table.ts'
import type { HostProcess } from '../../processes/host-process.ts'
import type { Seen, StacksRequest } from './request.ts'
import { stuckThreads } from './stuck-threads.ts'

/** What the receipt says of the stacks: what is missing that was to be had, and what stood out. */
export function stacksOutcome(
  request: Pick<StacksRequest, 'chosen' | 'preflight' | 'gives'>,
  seen: Seen,
  troubles: Pick<Ledger, 'truncated'>,
): Outcome {
  const { rows, stood, looks } = seen
  const freezeMs = Math.max(0, ...rows.map((row) => row.freezeMs))
  const threads = stood.reduce((sum, one) => sum + one.threads.length, 0)
  const parts = rows.filter(({ entry, missed }) => entry !== undefined && missed.length > 0).length
  const narrow = rows.filter(({ unsupported }) => unsupported).length
  const gone = rows.flatMap(({ process }) => (seen.gone.has(process.pid) ? [goneProcess(process)] : []))
  const stuck = stuckThreads(stood, looks > 1)
  const details: StacksDetails = {
    source: 'stacks',
    ...{ processes: stood.length, looks, stuck: stuck.length },
    ...(stuck.length > 0 && { threads: stuck.slice(0, LISTED) }),
    ...(parts > 0 && { partial: parts }),
    // Nothing is missing that could have been had: the table tells of them.
    ...(narrow > 0 && { narrow }),
    // Nor here: somebody else ends processes meanwhile, as kubelet does.
    ...(gone.length > 0 && { gone: gone.length, goneFirst: gone.slice(0, LISTED) }),
  }
  const truncated = coresLack(request, seen) ?? troubles.truncated()
  return { identity: { threads, freezeMs, details }, ...(truncated !== undefined && { truncated }) }
}

function goneProcess({ pid, comm, unit, pod, namespace, containerName }: HostProcess): GoneProcess {
  return {
    ...{ pid, comm },
    ...(unit !== undefined && { unit }),
    ...(pod !== undefined && { pod }),
    ...(namespace !== undefined && { namespace }),
    ...(containerName !== undefined && { containerName }),
  }
}

/** What there is less of than there could be, in a sentence; undefined where there is all. */
export function coresLack(
  request: Pick<StacksRequest, 'chosen' | 'preflight' | 'gives'>,
  seen: Seen,
): string | undefined {
  return without(request, seen) ?? tooMany(seen)
}

/** Of which processes there is no core though there could be one. */
function without({ chosen, preflight }: Pick<StacksRequest, 'chosen' | 'preflight'>, { rows, gone }: Seen) {
  if (!preflight.ok) return `no cores, only the table of threads: ${preflight.reason}`
  const isLacking = ({ entry, unsupported, process }: CoreRow) =>
    entry === undefined && !unsupported && !gone.has(process.pid)
  const lacking = rows.filter(isLacking)
  const [first] = lacking
  if (first !== undefined) {
    const { process, missed } = first
    return `of ${lacking.length} of ${chosen.length} processes there is no core: ${process.comm} ${process.pid}: ${missed[0]}`
  }
  const left = chosen.length - rows.length
  return left > 0 ? `${left} of ${chosen.length} processes were not looked at` : undefined
}

/** Which process has more threads than are taken of one, and how many of how many there are. */
function tooMany({ rows, stood, unlooked }: Seen): string | undefined {
  const told = rows.flatMap(({ process: { pid, comm }, threads, beyond }) => {
    const looked = stood.find(({ process }) => process.pid === pid)?.threads.length ?? 0
    const left = unlooked.get(pid) ?? 0
    const parts = [
      ...(left > 0 ? [`${looked} of ${looked + left} threads in the table`] : []),
      ...(beyond > 0 ? [`${threads} of ${threads + beyond} in the core`] : []),
    ]
    return parts.length > 0 ? [`${comm} ${pid}: ${parts.join(', ')}`] : []
  })
  if (told.length === 0) return undefined
  return told.length === 1 ? told[0] : `${told[0]}, and ${countOf(told.length - 1, 'process', 'processes')} more`
}
