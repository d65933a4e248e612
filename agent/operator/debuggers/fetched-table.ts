import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'

/** What is read of a table that came with a bundle: more lines than a host runs threads, and as many bytes as they take. */
const MOST_LINES = 100_000
const MOST_BYTES = 32 * 1024 * 1024
/** Cells of a line: more than our tables have columns. */
const MOST_CELLS = 64

/** The rows of a fetched table of ours (tab-separated, with a header: FACTS.md), each as the cells of the columns that are named. */
export async function* tableRows<Name extends string>(
  path: string,
  names: readonly Name[],
): AsyncGenerator<Readonly<Partial<Record<Name, string>>>> {
  let columns: readonly string[] | undefined
  let lines = 0
  for await (const line of createInterface({ input: createReadStream(path, { end: MOST_BYTES - 1 }) })) {
    if (++lines > MOST_LINES) return
    const cells = line.split('\t', MOST_CELLS)
    if (columns === undefined) {
      columns = cells
      continue
    }
    const known = columns
    yield Object.fromEntries(names.map((name) => [name, cells[known.indexOf(name)]])) as Partial<Record<Name, string>>
  }
}
