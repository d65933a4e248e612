/** Which disk is the busiest: Documentation/admin-guide/iostats.rst, "time spent doing I/Os (ms)". */
export class Disks {
  #ticks = new Map<string, number>()
  #at = Number.NaN

  /** The share of the time since the look before, in percent, and the disk whose it is. `at` in ms. */
  look(text: string, at: number): { readonly busy: number; readonly disk: string | undefined } {
    const ticks = new Map<string, number>()
    let [most, disk] = [-1, undefined as string | undefined]
    for (const line of text.split('\n')) {
      const fields = line.trim().split(/ +/)
      const [name, ms] = [fields[2], Number(fields[12])]
      if (name === undefined || !Number.isFinite(ms)) continue
      ticks.set(name, ms)
      // A disk stands before its parts, which are as busy.
      const busy = ms - (this.#ticks.get(name) ?? ms)
      if (busy > most) [most, disk] = [busy, name]
    }
    const busy = most < 0 ? NaN : Math.min(100, (100 * most) / (at - this.#at))
    this.#ticks = ticks
    this.#at = at
    return { busy, disk: most > 0 ? disk : undefined }
  }
}
