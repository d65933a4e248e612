import { shownName } from '../../../words/host-name.ts'
import { isoSecond } from '../../../words/instant.ts'
import { tsv } from '../../tar/tsv.ts'
import type { Seen } from './seen.ts'

/** What became of a file: it is in this tar; it is an artifact of its own; it is no file; it is not taken; it was not there any more; it could not be read. */
type State = 'here' | 'own' | 'strange' | 'left out' | 'gone' | 'failed'

const COLUMNS = ['path', 'state', 'mode', 'uid', 'gid', 'bytes', 'modified', 'note'] as const
/** Rows: of what a walk may see, what matters. */
const MOST_ROWS = 10_000

/** A file of which more is not known than by the walk. */
export type Row = readonly [file: Seen, state: State, note: string | undefined]

/** files.tsv: what was seen, and what became of it. */
export class FilesTable {
  readonly #before: readonly Row[]
  readonly #rows: (readonly [Seen, State, number, string | undefined])[] = []

  /** What is known before anything is read. */
  constructor(before: readonly Row[]) {
    this.#before = before
  }

  here(file: Seen, bytes: number, note?: string): void {
    this.#rows.push([file, 'here', bytes, note])
  }

  left(file: Seen, state: State, note: string): void {
    this.#rows.push([file, state, file.size, note])
  }

  /** As many whole lines as fit. */
  text(most: number): Buffer {
    const before = this.#before.map(([file, state, note]) => [file, state, file.size, note] as const)
    const rows = [...this.#rows, ...before].slice(0, MOST_ROWS).map(([file, state, bytes, note]) => {
      const { path, mode, uid, gid, mtimeMs } = file
      const octal = mode.toString(8).padStart(4, '0')
      return [shownName(path), state, octal, uid, gid, bytes, isoSecond(mtimeMs), note]
    })
    const text = Buffer.from(tsv(COLUMNS, rows))
    return text.length <= most ? text : text.subarray(0, text.lastIndexOf('\n', most - 1) + 1)
  }
}
