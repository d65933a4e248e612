import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import type { Keyring } from '../../seal/keyring.ts'
import type { Lost } from '../../seal/lost.ts'
import { SealError, unsealed } from '../../seal/unseal.ts'
import type { Archive } from '../../store/store.ts'
import type { Holding } from '../bundle/holdings.ts'
import { hashed, storedBytes } from '../bundle/stored.ts'
import type { Progress } from '../terminal/progress.ts'
import { fileBytes, writeAll } from './file-bytes.ts'
import type { FreeSpace } from './free-space.ts'
import { keptChunks, readSealHead, resealed } from './reseal.ts'

/** Where an artifact comes from. */
export interface Origin {
  readonly archive: Archive
  /** The bundle's. */
  readonly prefix: string
  readonly holding: Holding
  /** What to unseal it with; undefined: it is brought as it is stored. */
  readonly keyring: Keyring | undefined
  readonly space: FreeSpace
  /** What of its stored bytes is known to be missing. */
  readonly lost: Lost
}

/** Why what was brought is not what had been stored. What there is of it is good to where it ends. */
export interface Trouble {
  readonly status: 'truncated' | 'damaged'
  readonly reason: string
}

/**
 * Brings an artifact into `part`, unsealed if it can be, and goes on where an earlier attempt ended: what that one
 * left is made into the stored bytes again, so that the receipt's sha256 is checked over all of it.
 * Throws StoreError, or SealError `no-identity`; `part` then keeps what came.
 */
export async function bring(
  origin: Origin,
  part: FileHandle,
  progress: Progress,
  signal: AbortSignal,
): Promise<Trouble | undefined> {
  const { sha256 } = origin.holding
  const beginning = await keptBeginning(origin, part, signal)
  const hash = createHash('sha256')
  try {
    const stored = hashed(rebuilt(origin, beginning, progress, signal), hash)
    const chunks = origin.keyring === undefined ? stored : unsealed(stored, origin.keyring, signal, origin.lost)
    await append(part, chunks, beginning.kept, origin.space)
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof SealError) || error.failure === 'no-identity') throw error
    return { status: error.failure === 'cut' ? 'truncated' : 'damaged', reason: error.message }
  }
  if (sha256 === undefined || hash.digest('hex') === sha256) return undefined
  if (beginning.kept === 0) return { status: 'damaged', reason: 'its sha256 is not the one of its receipt' }
  // The store may be right, and what an earlier attempt left here wrong.
  await part.truncate(0)
  return await bring(origin, part, progress, signal)
}

/** What an earlier attempt left: so many plain bytes, and the stored bytes they were. */
interface Beginning {
  readonly kept: number
  readonly storedBytes: number
  readonly stored: AsyncIterable<Buffer>
}

async function keptBeginning(origin: Origin, part: FileHandle, signal: AbortSignal): Promise<Beginning> {
  const { archive, prefix, holding, keyring } = origin
  const { size } = await part.stat()
  if (keyring === undefined) {
    const kept = size > holding.bytes ? 0 : size
    return { kept, storedBytes: kept, stored: fileBytes(part, kept) }
  }
  if (size === 0) return { kept: 0, storedBytes: 0, stored: fileBytes(part, 0) }
  const head = await readSealHead(storedBytes(archive, prefix, holding.objects, 0, signal), keyring, signal)
  const place = keptChunks(head, size, holding.bytes)
  return {
    kept: place.plainOffset,
    storedBytes: place.storedOffset,
    stored: resealed(head, fileBytes(part, place.plainOffset)),
  }
}

/** All the stored bytes: those that are here already, then those that the store still has. */
async function* rebuilt(
  { archive, prefix, holding }: Origin,
  beginning: Beginning,
  progress: Progress,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  yield* beginning.stored
  const from = beginning.storedBytes
  yield* progress.follow(
    holding.artifact,
    holding.bytes,
    from,
    storedBytes(archive, prefix, holding.objects, from, signal),
  )
}

/** Writes the chunks of which the file has the first `kept` bytes already. */
async function append(file: FileHandle, chunks: AsyncIterable<Buffer>, kept: number, space: FreeSpace): Promise<void> {
  let at = 0
  for await (const chunk of chunks) {
    const known = Math.min(chunk.length, Math.max(0, kept - at))
    await space.take(chunk.length - known)
    await writeAll(file, chunk.subarray(known), at + known)
    at += chunk.length
  }
  await file.truncate(Math.max(at, kept))
}
