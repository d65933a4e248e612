import { sentence } from '../words/cannot.ts'
import { type Location, parseLocation } from '../words/location.ts'
import { retrying } from './retrying.ts'
import type { S3Settings } from './s3/client.ts'
import { type Archive, type Store, StoreError } from './store.ts'
import type { Uploads } from './uploads.ts'

/** While capturing there is no better time than now: the deadline alone ends it. */
const BUCKET_TRIES = Number.POSITIVE_INFINITY
/** Over a second or less, by retry.ts: a disk that is full stays so, and descriptors that lack may come back. */
const DISK_TRIES = 4

/**
 * Opens the store at `s3://bucket/prefix` or `file:///path`, which tries again what may work later; touches neither network nor disk, `warm` does.
 * Throws a permanent StoreError for a URL or settings that can never work.
 */
export async function openStore(url: string, s3: S3Settings, signal: AbortSignal): Promise<Store> {
  const location = locationOf(url)
  signal.throwIfAborted()
  if (location.scheme === 'file') {
    const { directoryStore } = await import('./directory/store.ts')
    return retrying(directoryStore(location.path), DISK_TRIES)
  }
  // Loaded only where a bucket is in use: the SDK costs 19 MB of private memory.
  const { s3Store } = await import('./s3/store.ts')
  return retrying(await s3Store(location, s3), BUCKET_TRIES)
}

/** Opens the same place for reading. Throws as `openStore` does. */
export async function openArchive(url: string, s3: S3Settings, signal: AbortSignal): Promise<Archive> {
  const location = locationOf(url)
  signal.throwIfAborted()
  if (location.scheme === 'file') {
    const { directoryArchive } = await import('./directory/archive.ts')
    return directoryArchive(location.path)
  }
  const { s3Archive } = await import('./s3/archive.ts')
  return await s3Archive(location, s3)
}

/** Opens the unfinished uploads of the same place. Throws as `openStore` does. */
export async function openUploads(url: string, s3: S3Settings, signal: AbortSignal): Promise<Uploads> {
  const location = locationOf(url)
  signal.throwIfAborted()
  if (location.scheme === 'file') {
    const { directoryUploads } = await import('./directory/uploads.ts')
    return directoryUploads(location.path)
  }
  const { s3Uploads } = await import('./s3/uploads.ts')
  return await s3Uploads(location, s3)
}

function locationOf(url: string): Location {
  try {
    return parseLocation(url)
  } catch (error) {
    throw new StoreError('permanent', sentence(error), { cause: error })
  }
}
