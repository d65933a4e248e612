import { printable } from '../../words/printable.ts'

export type Cell = string | number | undefined

/**
 * A table with a header line, tab-separated: `column -t -s $'\t'`, spreadsheets and DuckDB read it. An empty cell is
 * `-`, because `column` and `awk` lose empty ones.
 */
export function tsv(columns: readonly string[], rows: Iterable<readonly Cell[]>): string {
  const lines = [columns.join('\t')]
  for (const row of rows) lines.push(row.map(cell).join('\t'))
  return `${lines.join('\n')}\n`
}

function cell(value: Cell): string {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '-'
  return value === undefined || value === '' ? '-' : printable(value)
}
