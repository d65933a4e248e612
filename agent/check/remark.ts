/** One thing that `lastgasp check` looked at. `bad` ends it with exit code 1; `note` is worth knowing. */
export interface Remark {
  readonly about: string
  readonly verdict: 'good' | 'note' | 'bad'
  /** A sentence; where it is bad, also what to do. */
  readonly says: string
}

export const good = (about: string, says: string): Remark => ({ about, verdict: 'good', says })
export const note = (about: string, says: string): Remark => ({ about, verdict: 'note', says })
export const bad = (about: string, says: string): Remark => ({ about, verdict: 'bad', says })
