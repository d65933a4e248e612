import { styleText } from 'node:util'
import { printable } from '../../words/printable.ts'

export type Style = 'red' | 'green' | 'yellow' | 'dim' | 'bold'

/** Text in one style. */
export interface Span {
  readonly text: string
  readonly style: Style | undefined
}

/**
 * A line for a person. It holds text only: a style is data beside it and never an escape sequence within it, so that what
 * a bundle says can bring none.
 */
export type Line = string | readonly (string | Span)[]

/** A text in a style; in none, it is shown as it is. */
export function styled(style: Style | undefined, text: string): Span {
  return { text, style }
}

/**
 * A line as a terminal or a file takes it: the one place where escape sequences are made, all of them our own, and where
 * every control character of the text becomes visible. Nothing trails.
 */
export function rendered(line: Line, colours: boolean): string {
  const spans = (typeof line === 'string' ? [line] : line).map((part) =>
    typeof part === 'string' ? styled(undefined, part) : part,
  )
  const end = spans.findLastIndex(({ text }) => text.trimEnd() !== '')
  return spans
    .slice(0, end + 1)
    .map(({ text, style }, i) => {
      const shown = printable(i === end ? text.trimEnd() : text)
      return style !== undefined && colours ? styleText(style, shown, { validateStream: false }) : shown
    })
    .join('')
}
