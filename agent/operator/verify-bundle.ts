import { createHash } from 'node:crypto'
import { bundlePrefix } from '../bundle/keys.ts'
import { sentence } from '../cannot.ts'
import { CutError, DamageError, plain } from '../frames/decode.ts'
import { Keyring } from '../seal/keyring.ts'
import type { Identity } from '../seal/keys.ts'
import { SealError, unsealed } from '../seal/unseal.ts'
import type { Archive } from '../store/store.ts'
import { Allowance, metered, TooLargeError } from './allowance.ts'
import type { BundleView } from './bundle-view.ts'
import { expansionOf } from './fetch-artifact.ts'
import { type Holding, holdings, toldAgainst } from './holdings.ts'
import { inParallel } from './in-parallel.ts'
import type { Progress } from './progress.ts'
import { MOST_ARTIFACTS, refusedOf } from './refused.ts'
import { hashed, storedBytes } from './stored.ts'

/** Artifacts on their way at a time. */
const IN_FLIGHT = 4

/** That each stored object is the one of the receipt; that each chunk is authentic; that each frame is whole. */
export type Check = (typeof CHECKS)[number]
const CHECKS = ['sha256', 'seal', 'frames'] as const

/**
 * What an artifact was found to be. `ok`: all that was checked is right. `unlisted`: it is right in itself, and the
 * manifest does not tell of it. `refused`: it expands to more than a bundle may. `failed`: it could not be read now.
 */
export interface Verified {
  readonly artifact: string
  readonly status: 'ok' | 'truncated' | 'damaged' | 'missing' | 'unlisted' | 'refused' | 'failed'
  /** What was checked, and right. */
  readonly checked: readonly Check[]
  /** Stored bytes. */
  readonly bytes: number
  readonly reason: string | undefined
}

export interface VerifyWish {
  /** What opens sealed objects; none, and only what is stored is looked at. */
  readonly identities: readonly Identity[]
  /** Bytes that all of it may expand to, where a person said so: see allowance.ts. */
  readonly maxSize: number | undefined
}

/** Reads all of a bundle and checks it against its receipts, its seals and its frames. Writes nothing. */
export async function verifyBundle(
  archive: Archive,
  view: BundleView,
  { identities, maxSize }: VerifyWish,
  progress: Progress,
  signal: AbortSignal,
): Promise<Verified[]> {
  const prefix = bundlePrefix(view.name)
  const closed = view.manifest !== undefined
  const keyring = identities.length > 0 ? new Keyring(identities) : undefined
  const held = holdings(view)
  const expanded = held.filter((holding) => isDecoded(holding, keyring)).map(expansionOf)
  const allowance = new Allowance(expanded, maxSize)
  const verified = await inParallel(held.slice(0, MOST_ARTIFACTS), IN_FLIGHT, async (holding): Promise<Verified> => {
    const { artifact, bytes, objects, fault, receipt } = holding
    if (objects.length === 0) return { artifact, bytes, status: 'missing', checked: [], reason: fault }
    const { checked, trouble } = await readThrough({ archive, prefix, holding, keyring, allowance }, progress, signal)
    const found = trouble ?? toldAgainst(holding)
    if (found !== undefined) return { artifact, bytes, checked, ...found }
    const status = closed && receipt === undefined ? 'unlisted' : 'ok'
    return {
      artifact,
      bytes,
      checked,
      status,
      reason: status === 'ok' ? undefined : 'the manifest does not tell of it',
    }
  })
  const reason = refusedOf(held.length)
  const refused = held.slice(MOST_ARTIFACTS).map(({ artifact, bytes }): Verified => {
    return { artifact, bytes, status: 'refused', checked: [], reason }
  })
  return [...verified, ...refused]
}

interface Trouble {
  readonly status: 'truncated' | 'damaged' | 'refused' | 'failed'
  readonly reason: string
}

interface Origin {
  readonly archive: Archive
  readonly prefix: string
  readonly holding: Holding
  /** Undefined: what is sealed is not looked into. */
  readonly keyring: Keyring | undefined
  readonly allowance: Allowance
}

/** Whether it is looked into for what it holds, and not only for what is stored. */
function isDecoded({ sealed, artifact }: Holding, keyring: Keyring | undefined): boolean {
  return (keyring !== undefined || !sealed) && artifact.endsWith('.zst')
}

/** Reads an artifact to its end, or to where it cannot be read any further. */
async function readThrough(origin: Origin, progress: Progress, signal: AbortSignal) {
  const { holding, keyring, allowance } = origin
  const { artifact, sealed, bytes, encoding } = holding
  const opens = sealed && keyring !== undefined
  const decodes = isDecoded(holding, keyring)
  const digests: string[] = []
  const read = { bytes: 0 }
  const stored = progress.follow(artifact, bytes, 0, objectDigests(origin, digests, signal))
  const opened = opens ? unsealed(stored, keyring, signal) : stored
  // `bytesIn` counts what the host read: of a file that was compressed already, its own bytes.
  const framed = encoding !== 'as-is'
  const content = framed ? opened : counted(opened, read)
  let trouble: Trouble | undefined
  try {
    const decoded = decodes ? metered(plain(content, signal), allowance.begin(expansionOf(holding))) : content
    for await (const _ of framed ? counted(decoded, read) : decoded) signal.throwIfAborted()
    if (opens || !sealed) trouble = otherSize(origin.holding, read.bytes)
  } catch (error) {
    signal.throwIfAborted()
    trouble = troubleOf(error)
  }
  trouble = otherDigest(origin.holding, digests) ?? trouble
  const checks: Record<Check, boolean> = {
    sha256: sameDigests(origin.holding, digests),
    seal: opens && trouble === undefined,
    frames: decodes && trouble === undefined,
  }
  return { checked: CHECKS.filter((check) => checks[check]), trouble }
}

function otherSize({ receipt }: Holding, bytes: number): Trouble | undefined {
  if (receipt?.status !== 'complete' || receipt.bytesIn === bytes) return undefined
  return { status: 'damaged', reason: `it holds ${bytes} bytes, and its receipt says ${receipt.bytesIn}` }
}

/** Of objects that are not as long as their receipt says, nothing else is to be expected. */
function otherDigest({ objects, fault }: Holding, digests: readonly string[]): Trouble | undefined {
  const other = digests.findIndex((digest, i) => (objects[i]?.sha256 ?? digest) !== digest)
  if (other < 0 || fault !== undefined) return undefined
  return { status: 'damaged', reason: `the sha256 of ${objects[other]?.name} is not the one of its receipt` }
}

const sameDigests = ({ objects }: Holding, digests: readonly string[]) =>
  objects.every(({ sha256 }, i) => sha256 !== undefined && sha256 === digests[i])

function troubleOf(error: unknown): Trouble | undefined {
  const reason = sentence(error)
  if (error instanceof CutError) return error.contentWhole ? undefined : { status: 'truncated', reason }
  if (error instanceof DamageError) return { status: 'damaged', reason }
  if (error instanceof TooLargeError) return { status: error.beyondReceipt ? 'damaged' : 'refused', reason }
  if (!(error instanceof SealError) || error.failure === 'no-identity') return { status: 'failed', reason }
  return { status: error.failure === 'cut' ? 'truncated' : 'damaged', reason }
}

/** The stored bytes; the sha256 of each object is added to `digests` once it was read to its end. */
async function* objectDigests({ archive, prefix, holding }: Origin, digests: string[], signal: AbortSignal) {
  for (const object of holding.objects) {
    const hash = createHash('sha256')
    yield* hashed(storedBytes(archive, prefix, [object], 0, signal), hash)
    digests.push(hash.digest('hex'))
  }
}

async function* counted(chunks: AsyncIterable<Buffer>, count: { bytes: number }): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    count.bytes += chunk.length
    yield chunk
  }
}
