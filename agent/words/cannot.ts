/**
 * An error that reads "cannot do X: because Y" and keeps its cause.
 * `what` names the path, key or unit; `because` is the cause, or a sentence where there is none.
 */
export function cannot(what: string, because: unknown): Error {
  const cause = because instanceof Error ? because : undefined
  return new Error(`cannot ${what}: ${sentence(because)}`, cause === undefined ? undefined : { cause })
}

/** What a person should read of anything that was thrown. */
export function sentence(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  if (thrown.name === 'AbortError' && thrown.cause instanceof Error) return sentence(thrown.cause)
  return thrown.message || thrown.name
}
