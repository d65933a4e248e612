import { FIGURES, type Sample, type Who } from './history.ts'

/** Samples that are kept as they were taken, of 5 s twelve minutes; as many again of every sixth, and so on. */
const OF_A_TIER = 144
const COARSER = 6

/**
 * Bytes that they may take, so that a recorder takes 4 MiB at most: an hour of 5 s has half of it on a host where the same ones stand out. Where others do each
 * time, what is furthest back is forgotten earlier: a hundred samples are kept in any case, which are the last eight minutes.
 */
const MOST_BYTES = 1.75 * 1024 ** 2
/** Bytes of V8's heap, as measured: of a number in an object, of one who was seen, and of who that is, with the longest names of a process. */
const OF_FIGURE = 24
const OF_SEEN = 120
const OF_PROCESS = 480
const OF_SERVICE = 64

/** The samples of a span of time, every one of the last minutes, fewer the further back. */
export class Samples {
  readonly #tiers: Sample[][] = [[]]
  /** In how many samples each is. */
  readonly #who = new Map<Who, number>()
  #bytes = 0

  /** Takes one, and forgets what is older than `span` ms. */
  add(sample: Sample, span: number): void {
    this.#tiers[0]?.push(sample)
    this.#count(sample, 1)
    let step = COARSER
    for (let tier = 0; (this.#tiers[tier]?.length ?? 0) > OF_A_TIER; tier++, step *= COARSER) {
      const oldest = this.#tiers[tier]?.shift()
      if (oldest === undefined) break
      if (oldest.number % step !== 0) {
        this.#count(oldest, -1)
        break
      }
      this.#tiers[tier + 1] = [...(this.#tiers[tier + 1] ?? []), oldest]
    }
    for (;;) {
      const oldest = this.#tiers.findLast((tier) => tier.length > 0)
      const [first] = oldest ?? []
      if (first === undefined || first === sample) return
      if (sample.at - first.at <= span && this.#bytes <= MOST_BYTES) return
      oldest?.shift()
      this.#count(first, -1)
    }
  }

  /** The oldest first. */
  all(): readonly Sample[] {
    return this.#tiers.toReversed().flat()
  }

  #count({ top }: Sample, by: 1 | -1): void {
    this.#bytes += by * (OF_SEEN * (1 + top.length) + OF_FIGURE * Object.keys(FIGURES).length)
    for (const { who } of top) {
      const count = this.#who.get(who) ?? 0
      if (by > 0 && count === 0) this.#bytes += bytesOf(who)
      if (by < 0 && count === 1) this.#bytes -= bytesOf(who)
      if (count + by === 0) this.#who.delete(who)
      else this.#who.set(who, count + by)
    }
  }
}

/** The unit of a process is learned later, that of a service is what it is called by. */
function bytesOf({ pid, unit = '' }: Who): number {
  return pid === undefined ? OF_SERVICE + 2 * unit.length : OF_PROCESS
}
