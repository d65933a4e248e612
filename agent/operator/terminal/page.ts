import { printable } from '../../words/printable.ts'
import type { Line, Style } from './line.ts'
import { styled } from './line.ts'
import { type Screen, shortened, wrap } from './table.ts'

/** Findings that are told one by one before the rest is a number. */
export const TOLD = 5
/** As wide as the titles of the page are. */
export const TITLE = 9

/** What is said under a title: beside it, and below that where it is longer than a line. */
export function titled(style: Style, title: string, said: string, screen: Screen): Line[] {
  const lines = wrap(text(said), screen.width === undefined ? Infinity : screen.width - TITLE)
  return lines.map((line, i): Line => [styled(style, (i === 0 ? title : '').padEnd(TITLE)), line])
}

/** A text of a bundle, as much of it as somebody reads. */
export const text = (said: string) => printable(shortened(said))

/** The first of many lines, and how many more there are. */
export function few(lines: readonly string[], most = TOLD): readonly string[] {
  return lines.length > most ? [...lines.slice(0, most), `and ${lines.length - most} more`] : lines
}
