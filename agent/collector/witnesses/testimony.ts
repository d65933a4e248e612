import type { Death } from '../../findings/death.ts'
import type { Place, Unseen } from '../../findings/seen.ts'

/** What one witness tells, and what it could not look at. */
export interface Testimony {
  readonly deaths: readonly Death[]
  readonly unseen: readonly Unseen[]
}

/** A testimony of nothing, for a reason in our own words. */
export const unseenFor = (place: Place, why: string): Testimony => ({ deaths: [], unseen: [{ place, why }] })

/** A testimony of nothing, for the reason that an error gives by its code. */
export const nothingOf = (place: Place, error: unknown): Testimony => unseenFor(place, whyOf(error))

/** In our own words, for errors quote names of the host: "…: the journal may not be read by this user". */
function whyOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'is not there'
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read by this user'
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError'))
    return 'did not answer in time'
  return 'could not be read'
}
