/**
 * Whether `--only` asks for an artifact: by its source (`journal`), its folder or name without suffixes (`facts`),
 * or all of its name.
 */
export function isWanted(only: readonly string[] | undefined, artifact: string, source: string | undefined): boolean {
  if (only === undefined) return true
  return only.some((word) => word === source || word === artifact || word === artifact.split(/[/.]/, 1)[0])
}
