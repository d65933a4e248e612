import { printable } from '../../words/printable.ts'
import { type Line, type Style, styled } from './line.ts'

/** Where text goes. */
export interface Screen {
  /** Columns; undefined: nobody looks, lines may be as long as they like. */
  readonly width: number | undefined
}

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  readonly style?: (text: string) => Style | undefined
}

/** Less room than this for the last column, and its lines are left to the terminal to wrap. */
const NARROW = 16
const GAP = '  '
/** Letters of one text that are shown: a dozen lines of a terminal, and more than any name or reason of ours. */
const MOST_SHOWN = 1000

/**
 * Lines of a table with a heading. Cells are made printable here. The last column is wrapped at words, and indented,
 * where the screen has a width.
 */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], screen: Screen): Line[] {
  const cells = rows.map((row) => columns.map((_, i) => printable(shortened(row[i] ?? ''))))
  const widths = columns.map(({ title }, i) =>
    cells.reduce((most, row) => Math.max(most, row[i]?.length ?? 0), title.length),
  )
  const last = columns.length - 1
  const indent = widths.slice(0, last).reduce((sum, width) => sum + width + GAP.length, 0)
  const room = screen.width === undefined ? Infinity : screen.width - indent
  const line = (row: readonly string[], style: (column: Column, text: string) => Style | undefined): Line[] => {
    const styles = columns.map((column, i) => style(column, row[i] ?? ''))
    const padded = row.slice(0, last).flatMap((text, i) => {
      const width = widths[i] ?? 0
      return [styled(styles[i], columns[i]?.align === 'right' ? text.padStart(width) : text.padEnd(width)), GAP]
    })
    const tail = wrap(row[last] ?? '', room < NARROW ? Infinity : room)
    return tail.map((text, i) => [...(i === 0 ? padded : [' '.repeat(indent)]), styled(styles[last], text)])
  }
  const heading = line(
    columns.map(({ title }) => title),
    () => 'bold',
  )
  return [...heading, ...cells.flatMap((row) => line(row, (column, text) => column.style?.(text)))]
}

/** A text as far as somebody reads it: what a bundle says may be megabytes. */
export function shortened(text: string): string {
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text
}

/** A text in lines of at most `width`, broken at spaces; a word that is longer has a line of its own. */
export function wrap(text: string, width: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines[lines.length - 1] ?? ''
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`
  }
  return lines
}
