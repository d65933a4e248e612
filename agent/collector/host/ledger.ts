import { type LeftOut, LISTED } from '../../words/details.ts'

/** What could not be read, and why: becomes errors.txt and the receipt's reason. Missing data must not be invisible. */
export interface Ledger {
  /** Something is not in the facts. Equal reasons of one kind of file are counted, not repeated. */
  note(path: string, reason: unknown): void
  /**
   * Evidence that was there is left out, by time or size. Of what is always taken the receipt will say `truncated` for it; of a
   * detail, errors.txt alone says so.
   */
  lost(path: string, reason: unknown, weight?: { readonly detail?: boolean }): void
  /** Number of lines errors.txt would have. */
  count(): number
  /** Why the facts are not all of it, if something was lost. */
  truncated(): string | undefined
  /** What was lost, what counts before details, with how often: the first LISTED kinds, and how many there are. */
  leftOut(): { readonly kinds: number; readonly first: readonly LeftOut[] }
  /** errors.txt: one line per reason and kind of file; what was lost first, with an empty line behind it. */
  text(): string
}

interface Line {
  readonly path: string
  readonly reason: string
  readonly weight: Weight
  times: number
}

type Weight = 'lost' | 'detail' | 'note'

/** Kinds of trouble kept apart; a host with more of them than this is understood from the first. */
const LINES = 500

/** An empty ledger. */
export function ledger(): Ledger {
  const lines = new Map<string, Line>()
  const put = (path: string, thrown: unknown, weight: Weight) => {
    const reason = reasonOf(thrown)
    const key = `${weight} ${kindOf(path)}\n${reason}`
    const known = lines.get(key)
    if (known !== undefined) known.times++
    else if (lines.size < LINES) lines.set(key, { path, reason, weight, times: 1 })
  }
  const of = (weight: Weight) => [...lines.values()].filter((line) => line.weight === weight)
  return {
    note: (path, reason) => put(path, reason, 'note'),
    lost: (path, reason, { detail = false } = {}) => put(path, reason, detail ? 'detail' : 'lost'),
    count: () => lines.size,
    truncated() {
      const all = of('lost')
      if (all.length === 0) return undefined
      const [first] = all
      const more = all.length > 1 ? `, and ${all.length - 1} more in errors.txt` : ''
      return `${first?.path}: ${first?.reason}${more}`
    },
    leftOut() {
      const all = [...of('lost'), ...of('detail')]
      return {
        kinds: all.length,
        first: all.slice(0, LISTED).map(({ path, reason, times }) => ({ path, reason, times })),
      }
    },
    text() {
      if (lines.size === 0) return 'Everything that was asked for could be read.\n'
      const told = (some: readonly Line[]) =>
        some.map((line) => `${line.path}: ${line.reason}${times(line)}\n`).join('')
      const lost = of('lost')
      // The empty line is what a reader without a receipt goes by.
      return `${told(lost)}${lost.length > 0 ? '\n' : ''}${told([...of('detail'), ...of('note')])}`
    },
  }
}

/** What files of different processes, threads and cgroups have in common: `proc/N/cmdline`, `…/memory.stat`. */
export function kindOf(path: string): string {
  return path.startsWith('sys/fs/cgroup/') ? `…${path.slice(path.lastIndexOf('/'))}` : path.replace(/\d+/g, 'N')
}

function times(line: Line): string {
  return line.times > 1 ? ` (and ${line.times - 1} more like it)` : ''
}

/** Node's messages end in ", open '/path'", which would make every one of them different. */
function reasonOf(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return message.replace(/, \w+( '.*')?$/s, '').replaceAll('\n', ' ')
}
