import { directoryArchive } from '../store/directory/archive.ts'
import { type ObjectEntry, StoreError } from '../store/store.ts'

/** The objects that lie in a spool; none where there is no such directory yet. */
export async function* listed(objects: string, signal: AbortSignal): AsyncGenerator<ObjectEntry> {
  try {
    yield* directoryArchive(objects).list('', signal)
  } catch (error) {
    // Of a root that is not there: see archive.ts.
    const cause = error instanceof StoreError ? error.cause : undefined
    if (!(cause instanceof StoreError) || cause.failure !== 'missing') throw error
  }
}
