import { styleText } from 'node:util'
import { printable } from './printable.ts'

export type Style = 'red' | 'green' | 'yellow' | 'dim' | 'bold'

/** Where text goes: how wide it is, and whether colours are shown there. */
export interface Screen {
  /** Columns; undefined: nobody looks, lines may be as long as they like. */
  readonly width: number | undefined
  readonly colours: boolean
}

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  readonly style?: (text: string) => Style | undefined
}

/** Less room than this for the last column, and its lines are left to the terminal to wrap. */
const NARROW = 16
const GAP = '  '

/**
 * Lines of a table with a heading. Cells are made printable here. The last column is wrapped at words, and indented,
 * where the screen has a width.
 */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], screen: Screen): string[] {
  const cells = rows.map((row) => columns.map((_, i) => printable(row[i] ?? '')))
  const widths = columns.map(({ title }, i) => Math.max(title.length, ...cells.map((row) => row[i]?.length ?? 0)))
  const last = columns.length - 1
  const indent = widths.slice(0, last).reduce((sum, width) => sum + width + GAP.length, 0)
  const room = screen.width === undefined ? Infinity : screen.width - indent
  const line = (row: readonly string[], style: (column: Column, text: string) => Style | undefined): string[] => {
    const padded = row.map((text, i) => {
      if (i === last) return ''
      const filled = columns[i]?.align === 'right' ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0)
      return styled(columns[i] && style(columns[i], text), filled, screen)
    })
    const tail = wrap(row[last] ?? '', room < NARROW ? Infinity : room)
    return tail.map((text, i) => {
      const shown = styled(columns[last] && style(columns[last], row[last] ?? ''), text, screen)
      return (i === 0 ? padded.slice(0, last).concat(shown).join(GAP) : ' '.repeat(indent) + shown).trimEnd()
    })
  }
  const heading = line(
    columns.map(({ title }) => title),
    () => 'bold',
  )
  return [...heading, ...cells.flatMap((row) => line(row, (column, text) => column.style?.(text)))]
}

/** A text in a style, where colours are shown. */
export function styled(style: Style | undefined, text: string, screen: Screen): string {
  return style && screen.colours && text !== '' ? styleText(style, text, { validateStream: false }) : text
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
