/** ms between two marks, and how many there are: growth is told over ten minutes. */
const MARK_MS = 60_000
const MARKS = 11

/** What something was, minute by minute, for as long as growth is told. */
export class Marks {
  readonly #values: number[] = []
  #at = Number.NEGATIVE_INFINITY

  /** By how much a value has grown in ten minutes, or since the first that was seen. `at` in ms. */
  grown(value: number, at: number): number {
    if (at - this.#at >= MARK_MS) {
      this.#at = at
      if (this.#values.push(value) > MARKS) this.#values.shift()
    }
    return value - (this.#values[0] ?? value)
  }
}
