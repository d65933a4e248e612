import { READ_BYTES } from '../host/reading.ts'
import { type Classifier, classifier } from './page-class.ts'
import type { Run } from './runs.ts'
import type { Layout } from './vmcore.ts'

/** Some pages of a run, and their place in a chunk. */
export interface Piece {
  readonly run: Run
  readonly first: number
  readonly pages: number
  readonly at: number
  /** Has seen the pages of the run before these. */
  readonly classify: Classifier
}

/** What one chunk is made of. */
export interface Parts {
  readonly head: Buffer | undefined
  readonly pieces: readonly Piece[]
  readonly bytes: number
}

/** The file in chunks of READ_BYTES, the last one shorter. */
export function* piecesOf({ head, order }: Layout, pageSize: number): Generator<Parts, undefined, void> {
  let first: Buffer | undefined = head
  let pieces: Piece[] = []
  let at = head.length
  for (const run of order) {
    const classify = classifier()
    for (let page = run.start; page < run.end; ) {
      const pages = Math.min(run.end - page, Math.floor((READ_BYTES - at) / pageSize))
      pieces.push({ run, first: page, pages, at, classify })
      page += pages
      at += pages * pageSize
      if (at < READ_BYTES) continue
      yield { head: first, pieces, bytes: at }
      first = undefined
      pieces = []
      at = 0
    }
  }
  if (at > 0) yield { head: first, pieces, bytes: at }
}
