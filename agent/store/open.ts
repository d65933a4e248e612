import type { Settings } from '../settings/schema.ts'
import { sentence } from '../words/cannot.ts'
import { type Location, parseLocation } from '../words/location.ts'
import { type Archive, type Store, StoreError } from './store.ts'

/**
 * Opens the store at `s3://bucket/prefix` or `file:///path`; touches neither network nor disk, `warm` does.
 * Throws a permanent StoreError for a URL or settings that can never work.
 */
export async function openStore(url: string, s3: Settings['s3'], signal: AbortSignal): Promise<Store> {
  const location = locationOf(url)
  signal.throwIfAborted()
  if (location.scheme === 'file') {
    const { directoryStore } = await import('./directory/store.ts')
    return directoryStore(location.path)
  }
  // Loaded only where a bucket is in use: the SDK costs 19 MB of private memory.
  const { s3Store } = await import('./s3/store.ts')
  return await s3Store(location, s3)
}

/** Opens the same place for reading. Throws as `openStore` does. */
export async function openArchive(url: string, s3: Settings['s3'], signal: AbortSignal): Promise<Archive> {
  const location = locationOf(url)
  signal.throwIfAborted()
  if (location.scheme === 'file') {
    const { directoryArchive } = await import('./directory/archive.ts')
    return directoryArchive(location.path)
  }
  const { s3Archive } = await import('./s3/archive.ts')
  return await s3Archive(location, s3)
}

function locationOf(url: string): Location {
  try {
    return parseLocation(url)
  } catch (error) {
    throw new StoreError('permanent', sentence(error), { cause: error })
  }
}
