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

/** Text without control characters, which become `\xNN`: what a process calls itself must not drive a terminal. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

function cell(value: Cell): string {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '-'
  return value === undefined || value === '' ? '-' : printable(value)
}
