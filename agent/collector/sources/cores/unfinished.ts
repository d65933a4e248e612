import { join } from 'node:path'
import { cannot } from '../../../words/cannot.ts'
import type { CoreFile } from '../../crashed-cores/core-file.ts'
import type { Found } from '../source.ts'
import { type Dumping, dumpFinished } from './dumping.ts'
import { coreItem, type Host } from './item.ts'

/** Of what is in memory; see item.ts. */
const RATIO = 0.3

/**
 * A core whose file is not there yet, as an item of the inventory: opening it waits until `look` finds the file, or nobody
 * writes it any more. `suffix` is what the file is expected to have: the item's name is settled before the file is.
 */
export function unfinishedItem(
  host: Host,
  process: Dumping,
  { name, value, suffix }: { name: string; value: number; suffix: string },
  look: (signal: AbortSignal) => Promise<CoreFile | undefined>,
): Found {
  const { bytes, reserved: _, ...who } = process
  const { pid, comm } = who
  return {
    id: `pid ${pid}`,
    source: 'cores',
    name,
    class: 'memory',
    phase: 'stored',
    encoding: suffix === '' ? 'frames' : 'as-is',
    bytes,
    ratio: RATIO,
    value,
    identity: { ...who, details: { source: 'cores', unfinished: true } },
    async open(limit, signal) {
      // Linked under its name before its writer is done: no need to wait for the stack trace that follows.
      const core =
        (await dumpFinished(join(host.root, 'proc'), process, signal, () => look(signal))) ?? (await look(signal))
      if (core === undefined)
        throw cannot(`take the core of ${comm}[${pid}]`, 'it left none where cores are looked for')
      if (core.suffix !== suffix) {
        throw cannot(`take ${core.path}`, `it was expected as "${suffix}"; it comes up by itself`)
      }
      // systemd-coredump's name means that the file is complete; the kernel writes under the final name.
      const writer = core.kind === 'plain' ? process : undefined
      return coreItem(host, core, { name, value, writer, isLate: true }).open(limit, signal)
    },
  }
}
