/** ms between two marks, and how many there are: growth is told over ten minutes. */
const MARK_MS = 60_000
const MARKS = 11

/** What something was, minute by minute, for as long as growth is told. */
export class Marks {
  /** In turn; of its length from the beginning: one that grows takes half as much again. */
  readonly #values = new Array<number>(MARKS)
  #count = 0
  #at = Number.NEGATIVE_INFINITY

  /** By how much a value has grown in ten minutes, or since the first that was seen. `at` in ms. */
  grown(value: number, at: number): number {
    if (at - this.#at >= MARK_MS) {
      this.#at = at
      this.#values[this.#count++ % MARKS] = value
    }
    return value - (this.#values[this.#count < MARKS ? 0 : this.#count % MARKS] ?? value)
  }
}
