/** A place among those who attend. */
export interface Attendant {
  readonly isFirst: boolean
  /** Resolves when all who came before have left. */
  readonly turn: Promise<void>
  leave(): void
}

/** Who attends, in the order in which they came: one at a time holds applications, so that a host with two daemons has one bundle. */
export class Attendants {
  readonly #queue: { readonly begin: () => void }[] = []

  join(): Attendant {
    const { promise: turn, resolve: begin } = Promise.withResolvers<void>()
    const own = { begin }
    this.#queue.push(own)
    const isFirst = this.#queue[0] === own
    if (isFirst) begin()
    const leave = () => {
      const at = this.#queue.indexOf(own)
      if (at >= 0) this.#queue.splice(at, 1)
      this.#queue[0]?.begin()
    }
    return { isFirst, turn, leave }
  }
}
