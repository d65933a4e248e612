import type { Unchecked } from '../../words/evidence.ts'
import { formatBytes } from '../../words/units.ts'
import type { CoreLayout } from '../elf/core-layout.ts'
import { isUnpacked } from './core-start.ts'
import type { Holds } from './frame-walk.ts'
import type { Unpacked } from './unpacked-length.ts'

/** What is known of a core before it is read, as far as it bears on whether it is whole. */
export interface Expected {
  /** `.zst`, … for a compressed one, else empty. */
  readonly suffix: string
  /** RLIMIT_CORE of its process in bytes, which systemd-coredump cuts at. */
  readonly rlimit?: number | undefined
  /** Why it is known to be cut. */
  readonly cut?: string | undefined
}

/** Whether a core is whole: it is cut, that was not found out, or neither. */
export interface Wholeness {
  readonly truncated?: string
  readonly unchecked?: Unchecked
}

/** What was seen of a core that was read to its end. */
export interface Seen {
  /** Bytes of the file when it was opened, and read. */
  readonly size: number
  /** Whether it was written to meanwhile. */
  readonly isChanged: boolean
  /** What its ELF headers say; undefined where it has none that can be read. */
  readonly layout: CoreLayout | undefined
  /** What the walk over its frames found; undefined where that was nothing, or there are none. */
  readonly flaw: string | undefined
  readonly holds: Holds | undefined
  /** What it holds, where that was counted. */
  readonly unpacked: Unpacked | undefined
}

/** Whether a core is whole, by all that is known of it. Pure. */
export function wholeness({ suffix, rlimit, cut }: Expected, seen: Seen): Wholeness {
  const { size, isChanged, layout, flaw, holds, unpacked } = seen
  if (isChanged) return { truncated: 'the file was written to while it was read' }
  if (size === 0) return { truncated: "the host's file is empty" }
  if (flaw !== undefined) return { truncated: flaw }
  if (unpacked?.kind === 'damaged') return { truncated: `the host's file is damaged: ${unpacked.why}` }
  const counted = unpacked?.kind === 'counted' ? unpacked.bytes : holds?.exactly
  const length = suffix === '' ? size : counted
  const end = layout?.end ?? 0
  if (end > (length ?? holds?.most ?? Infinity)) {
    return { truncated: `the host stored only ${formatBytes(length ?? holds?.most ?? 0)} of its ${formatBytes(end)}` }
  }
  if (length === undefined && rlimit !== undefined && end > rlimit) {
    return { truncated: `the host cut it: ${formatBytes(end)} were more than the core limit of ${formatBytes(rlimit)}` }
  }
  if (cut !== undefined) return { truncated: cut }
  if (!isUnpacked(suffix)) return { unchecked: 'format' }
  if (layout === undefined || !layout.isAll) return { unchecked: 'headers' }
  if (length !== undefined) return {}
  return { unchecked: unpacked?.kind === 'slow' ? 'slow' : 'format' }
}
