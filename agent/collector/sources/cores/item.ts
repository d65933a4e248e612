import { join } from 'node:path'
import type { CoresDetails } from '../../../words/details.ts'
import { coredumpAttributes } from '../../crashed-cores/attributes.ts'
import { below, type CoreFile, charge, markOfCore } from '../../crashed-cores/core-file.ts'
import type { CrashEntry } from '../../crashed-cores/crash-entries.ts'
import { knowingHoles } from '../../crashed-cores/holes.ts'
import { readCore } from '../../crashed-cores/read-core.ts'
import type { System } from '../../host/ffi.ts'
import { openSame } from '../../host/open-file.ts'
import type { Found } from '../source.ts'
import { type Dumping, dumpFinished } from './dumping.ts'

/** Where cores are read, and how. */
export interface Host {
  readonly root: string
  readonly system: System
  /** Told of each file that was read to its end, by its id. */
  readonly onRead: (id: string) => void
}

/** What a core shrinks to: zeros, pointers and text. */
const RATIO = 0.3
/** What its holes do: 195 bytes for 4 MiB, frames/FRAMES.md. */
const HOLE_RATIO = 195 / (4 * 1024 * 1024)

/** Bytes stored for each byte of a core, of which `held` of `bytes` are no holes. */
export const shrinking = (held: number, bytes: number): number =>
  HOLE_RATIO + (RATIO - HOLE_RATIO) * (held / Math.max(1, bytes))

/** A core that lies there, as an item of the inventory. Its `writer`, if it is still being written, is waited for. */
export function coreItem(
  { root, system, onRead }: Host,
  core: CoreFile,
  {
    name,
    value,
    crash,
    writer,
    isLate = false,
  }: {
    name: string
    value: number
    crash?: CrashEntry | undefined
    writer?: Dumping | undefined
    /** It was still being written at the inventory. */
    isLate?: boolean
  },
): Found {
  // Its name is the host's word, so its attributes are.
  const bySystemd = core.kind === 'systemd'
  const { rlimit, ...attributes } = bySystemd ? coredumpAttributes(system, root, core.path) : {}
  const { truncated, ...logged } = crash ?? { truncated: false }
  const unasked = bySystemd && system.kind === 'missing' ? { unasked: system.reason } : {}
  const known = { ...unasked, ...(isLate && { unfinished: true }) }
  // What the file itself says counts most: the journal and the attributes add to it.
  const identity = { ...detailsOf(known), ...logged, ...attributes, ...core.identity }
  // kdump says so in the name of what it could not finish; a process may be called anything.
  const isDump = core.kind === 'vmcore' || core.kind === 'dmesg'
  const cut =
    truncated || (isDump && core.path.includes('incomplete')) ? 'the host stored only a part of it' : undefined
  return {
    id: core.id,
    source: 'cores',
    name,
    // A kernel's log too: its name is no proof of what is in it, and the facts have one that is text.
    class: 'memory',
    phase: 'stored',
    encoding: core.suffix === '' ? 'frames' : 'as-is',
    bytes: Math.max(core.bytes, writer?.bytes ?? 0),
    ...(core.suffix === '' && system.kind === 'ready' && { holes: core.bytes - charge(core) }),
    ratio: core.suffix === '' ? shrinking(charge(core), core.bytes) : 1,
    value,
    mark: markOfCore(core),
    identity,
    async open(limit, signal) {
      if (writer !== undefined) await dumpFinished(join(root, 'proc'), writer, signal)
      const opened = await openSame(below(root, core.raw), core.file, signal)
      const file = core.suffix === '' ? await knowingHoles(opened, system, signal) : opened
      const reading = await readCore(file, { suffix: core.suffix, rlimit, cut }, limit, signal)
      return {
        ...reading,
        outcome() {
          const { identity: seen, ...outcome } = reading.outcome()
          if (outcome.truncated === undefined) onRead(core.id)
          const inside = seen?.details?.source === 'cores' ? seen.details : {}
          return { ...outcome, identity: { ...seen, ...identity, ...detailsOf({ ...inside, ...known }) } }
        },
      }
    },
  }
}

/** None where there is nothing to be said. */
function detailsOf(known: Omit<CoresDetails, 'source'>): { readonly details?: CoresDetails } {
  return Object.keys(known).length === 0 ? {} : { details: { ...known, source: 'cores' } }
}
