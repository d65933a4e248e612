import type { Sample } from './history.ts'

/** Samples that are kept as they were taken, of 5 s twelve minutes; as many again of every sixth, and so on. */
const OF_A_TIER = 144
const COARSER = 6

/** The samples of a span of time, every one of the last minutes, fewer the further back. */
export class Samples {
  readonly #tiers: Sample[][] = [[]]

  /** Takes one, and forgets what is older than `span` ms. */
  add(sample: Sample, span: number): void {
    this.#tiers[0]?.push(sample)
    let step = COARSER
    for (let tier = 0; (this.#tiers[tier]?.length ?? 0) > OF_A_TIER; tier++, step *= COARSER) {
      const oldest = this.#tiers[tier]?.shift()
      if (oldest === undefined || oldest.number % step !== 0) break
      this.#tiers[tier + 1] = [...(this.#tiers[tier + 1] ?? []), oldest]
    }
    for (const tier of this.#tiers) {
      const young = tier.findIndex(({ at }) => sample.at - at <= span)
      tier.splice(0, young < 0 ? tier.length : young)
    }
  }

  /** The oldest first. */
  all(): readonly Sample[] {
    return this.#tiers.toReversed().flat()
  }
}
