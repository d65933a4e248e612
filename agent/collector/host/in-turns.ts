/** The first item of each owner, then the second of each, and so on: however many one has, the others' turn comes. */
export function inTurns<T>(items: readonly T[], ownerOf: (item: T) => unknown): readonly T[] {
  const turns = new Map<unknown, number>()
  const numbered = items.map((item) => {
    const owner = ownerOf(item)
    const turn = turns.get(owner) ?? 0
    turns.set(owner, turn + 1)
    return { item, turn }
  })
  return numbered.toSorted((a, b) => a.turn - b.turn).map(({ item }) => item)
}
