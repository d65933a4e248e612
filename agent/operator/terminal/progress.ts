import { printable } from '../../words/printable.ts'
import { formatBytes, formatDuration } from '../../words/units.ts'
import { shortened } from './table.ts'

/** How far one object has come. */
export interface Bar {
  readonly name: string
  readonly total: number
  /** Bytes that were here before. */
  readonly from: number
  done: number
  /** ms on the monotonic clock */
  readonly began: number
}

/** Often enough to look alive, seldom enough to cost nothing, in ms. */
const REDRAW = 200
const BAR = 20

/**
 * Shows on a terminal how far the work has come, one line per object on its way; on anything else says one plain
 * line for each that is done. Owns those lines of the terminal until it is disposed of.
 */
export class Progress implements Disposable {
  readonly #stream: NodeJS.WriteStream
  readonly #bars = new Set<Bar>()
  readonly #timer: NodeJS.Timeout | undefined
  #drawn = 0

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
    if (stream.isTTY) this.#timer = setInterval(() => this.#draw(), REDRAW).unref()
  }

  /** Follows chunks on their way, `from` bytes of `total` having been there before. */
  async *follow(name: string, total: number, from: number, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const bar: Bar = { name, total, from, done: from, began: performance.now() }
    this.#bars.add(bar)
    try {
      for await (const chunk of chunks) {
        bar.done += chunk.length
        yield chunk
      }
      if (!this.#stream.isTTY) this.#stream.write(`${doneLine(bar, performance.now())}\n`)
    } finally {
      this.#bars.delete(bar)
    }
  }

  #draw(): void {
    const width = this.#stream.columns ?? 80
    const lines = [...this.#bars].map((bar) => barLine(bar, performance.now(), width))
    this.#stream.write(`${up(this.#drawn)}${lines.map((line) => `${line}\n`).join('')}`)
    this.#drawn = lines.length
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    if (this.#stream.isTTY) this.#stream.write(up(this.#drawn))
    this.#drawn = 0
  }
}

/** Control sequences of ECMA-48: to the first column `lines` up (CPL), and erase from there on (ED). */
const up = (lines: number) => (lines === 0 ? '' : `\x1b[${lines}F\x1b[J`)

/** One object on its way, in at most `width` columns less one: a full line would wrap on some terminals. */
export function barLine(bar: Bar, now: number, width: number): string {
  const share = bar.total === 0 ? 1 : Math.min(1, bar.done / bar.total)
  const filled = Math.round(share * BAR)
  const drawn = `[${'#'.repeat(filled)}${'-'.repeat(BAR - filled)}]`
  const figures = `${formatBytes(bar.done)}/${formatBytes(bar.total)}`.padStart(19)
  const right = `${drawn}${figures}  ${formatBytes(rate(bar, now))}/s`.padEnd(53)
  const room = Math.max(8, width - 1 - right.length - 1)
  const name = printable(shortened(bar.name))
  const shown = name.length > room ? `…${name.slice(1 - room)}` : name.padEnd(room)
  return `${shown} ${right}`.slice(0, width - 1).trimEnd()
}

function doneLine(bar: Bar, now: number): string {
  const kept = bar.from === 0 ? '' : ` (${formatBytes(bar.from)} of it were here)`
  return `${printable(shortened(bar.name))}: ${formatBytes(bar.done)}${kept} in ${formatDuration(now - bar.began)}`
}

function rate(bar: Bar, now: number): number {
  const seconds = (now - bar.began) / 1000
  return seconds > 0 ? (bar.done - bar.from) / seconds : 0
}
