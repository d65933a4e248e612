/** How many of something, in words: `1 bundle`, `2 bundles`. */
export function countOf(count: number, one: string, several = `${one}s`): string {
  return `${count} ${count === 1 ? one : several}`
}
