/** Artifacts that one command reads: each takes some milliseconds of processor, and a capture has a few hundred. */
export const MOST_ARTIFACTS = 2000
/** Artifacts that were refused, of how many it is told why. */
const TOLD = 10

/** Why an artifact is refused that is not among the first MOST_ARTIFACTS of `count`. */
export function refusedOf(count: number): string {
  return `it is one of ${count}, and ${MOST_ARTIFACTS} are read at a time; fetch --only SOURCE or --only ARTIFACT brings it`
}

/** What is to be told one by one, and the lines for what is refused beyond that: a bundle may make that many. */
export function toldOf<T extends { readonly status: string }>(
  results: readonly T[],
): { readonly told: readonly T[]; readonly more: readonly string[] } {
  const untold = new Set(results.filter(({ status }) => status === 'refused').slice(TOLD))
  const more = `${untold.size} more, for the same reason or another; -o json has all`
  return { told: results.filter((one) => !untold.has(one)), more: untold.size === 0 ? [] : [more] }
}
