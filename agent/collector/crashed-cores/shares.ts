import { inTurns } from '../host/in-turns.ts'

/** Something that wants a place. */
export interface Wish<T> {
  readonly item: T
  readonly bytes: number
  /** Whose it is. */
  readonly owner: number
  /** Index of the tier that it belongs to. */
  readonly tier: number
}

/** The share of all places and bytes that is a tier's own while others want theirs, and the most places that it ever gets. */
export interface Tier {
  readonly weight: number
  readonly most: number
}

export interface Room {
  readonly bytes: number
  readonly places: number
}

/**
 * Who gets a place, so that nobody's wishes push out those of another: first each owner his fair share of his tier's share, in turns;
 * then what is left of a tier's share goes to its owners; then what is left of all, to the tiers in their order. Within an owner the
 * order of the wishes counts, and one that is too big keeps no smaller one out. Pure.
 */
export function shareOut<T>(wishes: readonly Wish<T>[], tiers: readonly Tier[], room: Room): ReadonlySet<T> {
  const chosen = new Set<T>()
  const all = new Purse(room)
  const present = tiers.filter((_, tier) => wishes.some((wish) => wish.tier === tier))
  const weight = present.reduce((sum, tier) => sum + tier.weight, 0)
  const queues = tiers.map((tier, index) => {
    const own = wishes.filter((wish) => wish.tier === index)
    const owners = new Set(own.map(({ owner }) => owner))
    const share = new Purse(part(room, tier.weight / weight))
    const purses = new Map([...owners].map((owner) => [owner, new Purse(part(share, 1 / owners.size))]))
    return {
      wishes: inTurns(own, ({ owner }) => owner),
      most: new Purse({ bytes: room.bytes, places: tier.most }),
      share,
      purses,
    }
  })
  const pass = (limits: (queue: (typeof queues)[number], wish: Wish<T>) => readonly (Purse | undefined)[]) => {
    for (const queue of queues) {
      for (const wish of queue.wishes) {
        const purses = [all, queue.most, ...limits(queue, wish)]
        if (chosen.has(wish.item) || purses.some((purse) => purse?.holds(wish.bytes) === false)) continue
        // What one pass gives counts for the narrower shares too.
        for (const purse of new Set([...purses, queue.share, queue.purses.get(wish.owner)])) purse?.pay(wish.bytes)
        chosen.add(wish.item)
      }
    }
  }
  pass(({ share, purses }, { owner }) => [share, purses.get(owner)])
  pass(({ share }) => [share])
  pass(() => [])
  return chosen
}

/** A share is never less than one place. */
const part = ({ bytes, places }: Room, of: number): Room => ({
  bytes: Math.floor(bytes * of),
  places: Math.max(1, Math.floor(places * of)),
})

/** Room that is being used up. */
class Purse implements Room {
  bytes: number
  places: number

  constructor({ bytes, places }: Room) {
    this.bytes = bytes
    this.places = places
  }

  holds(bytes: number): boolean {
    return this.places > 0 && bytes <= this.bytes
  }

  pay(bytes: number): void {
    this.places--
    this.bytes -= bytes
  }
}
