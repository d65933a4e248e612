import { createHash } from 'node:crypto'
import { bundlePrefix } from '../../bundle/keys.ts'
import { framesAround } from '../../frames/around.ts'
import { CutError, DamageError, plain } from '../../frames/decode.ts'
import { isOurs, START_BYTES } from '../../frames/marker.ts'
import { Keyring } from '../../seal/keyring.ts'
import type { Identity } from '../../seal/keys.ts'
import { Lost } from '../../seal/lost.ts'
import { SealError, unsealed } from '../../seal/unseal.ts'
import type { Archive } from '../../store/store.ts'
import { sentence } from '../../words/cannot.ts'
import { inParallel } from '../../words/in-parallel.ts'
import type { BundleView } from '../bundle/bundle-view.ts'
import { type Holding, holdings, toldAgainst, withHoles } from '../bundle/holdings.ts'
import { hashed, storedBytes } from '../bundle/stored.ts'
import { Allowance, type Meter, metered, TooLargeError } from '../fetch/allowance.ts'
import { expansionOf } from '../fetch/fetch-artifact.ts'
import type { Progress } from '../terminal/progress.ts'
import { MOST_ARTIFACTS, refusedOf } from '../terminal/refused.ts'
import { coreStartOf, lengthOf, uncheckedTold } from './core-length.ts'
import { ForwardReader } from './forward.ts'
import { absentPrograms, unpackedByProgram, unpackProgram } from './unpack-program.ts'

/** Artifacts on their way at a time. */
const IN_FLIGHT = 4
/** Read at a time of what is not looked into. */
const PASSED_BYTES = 4 * 1024 * 1024

/**
 * That each stored object is the one of the receipt; that each chunk is authentic; that each frame is whole; that a core is as long as its ELF
 * headers promise.
 */
export type Check = (typeof CHECKS)[number]
const CHECKS = ['sha256', 'seal', 'frames', 'length'] as const

/**
 * What an artifact was found to be. `ok`: all that was checked is right. `unlisted`: it is right in itself, and the
 * manifest does not tell of it. `unchecked`: it is a core, and whether it is whole could not be found out. `refused`: it expands to more than a bundle may. `failed`: it could not be read now.
 */
export interface Verified {
  readonly artifact: string
  readonly status: 'ok' | 'truncated' | 'damaged' | 'missing' | 'unlisted' | 'unchecked' | 'refused' | 'failed'
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
  const absent = await absentPrograms()
  const expanded = held.filter((holding) => isDecoded(holding, keyring, absent)).map(expansionOf)
  const allowance = new Allowance(expanded, maxSize)
  const verified = await inParallel(held.slice(0, MOST_ARTIFACTS), IN_FLIGHT, async (holding): Promise<Verified> => {
    const { artifact, bytes, objects, fault, receipt } = holding
    if (objects.length === 0) return { artifact, bytes, status: 'missing', checked: [], reason: fault }
    const { checked, trouble } = await readThrough(
      { archive, prefix, holding, keyring, allowance, absent },
      progress,
      signal,
    )
    const found = withHoles(holding, trouble ?? toldAgainst(holding))
    if (found !== undefined) return { artifact, bytes, checked, ...found }
    if (closed && receipt === undefined)
      return { artifact, bytes, checked, status: 'unlisted', reason: 'the manifest does not tell of it' }
    return { artifact, bytes, checked, ...unchecked(holding, checked, absent) }
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

/** What is to be said of a core that nobody has found to be whole: not here, nor on its host. */
function unchecked({ artifact, receipt }: Holding, checked: readonly Check[], absent: ReadonlySet<string>) {
  const program = unpackProgram(artifact)
  const why = receipt?.item.unchecked
  if (why === undefined || checked.includes('length')) return { status: 'ok', reason: undefined } as const
  const isAbsent = program !== undefined && absent.has(program)
  const reason = `${uncheckedTold(why)}${isAbsent ? `, and ${program} is not installed here` : ''}`
  // What has no headers will never tell.
  return { status: why === 'headers' ? 'ok' : 'unchecked', reason } as const
}

interface Origin {
  readonly archive: Archive
  readonly prefix: string
  readonly holding: Holding
  /** Undefined: what is sealed is not looked into. */
  readonly keyring: Keyring | undefined
  readonly allowance: Allowance
  /** Programs that are not installed here. */
  readonly absent: ReadonlySet<string>
}

/** Whether it is looked into for what it holds, and not only for what is stored. */
function isDecoded({ sealed, artifact }: Holding, keyring: Keyring | undefined, absent: ReadonlySet<string>): boolean {
  const program = unpackProgram(artifact)
  const isPossible = artifact.endsWith('.zst') || (program !== undefined && !absent.has(program))
  return (keyring !== undefined || !sealed) && isPossible
}

/** What an artifact holds, as far as it can be unpacked here. */
function unpacked({ holding, lost, meter }: Passing, content: AsyncIterable<Buffer>, signal: AbortSignal) {
  const { artifact, holes } = holding
  if (holes.length > 0) return around({ holding, lost, meter }, content, signal)
  return artifact.endsWith('.zst') ? plain(content, signal) : unpackedByProgram(artifact, content, signal)
}

/** An artifact on its way past. */
interface Passing {
  readonly holding: Holding
  readonly lost: Lost
  /** Of what it expands to. */
  readonly meter: Meter
}

/** What an artifact with holes holds around them. Throws DamageError where something else is wrong with it. */
async function* around({ holding, lost, meter }: Passing, content: AsyncIterable<Buffer>, signal: AbortSignal) {
  await using reader = new ForwardReader(content)
  const { readAt } = reader
  if (!isOurs(await readAt(0, START_BYTES, signal))) {
    // What its host had compressed already ends for a reader where the first hole is.
    for (let at = 0; (await readAt(at, PASSED_BYTES, signal)).length > 0; at += PASSED_BYTES);
    return
  }
  const size = lost.bytesOf(holding.bytes)
  const frames = framesAround(readAt, size, () => lost.content, meter.left, signal)
  let at = 0
  for (let next = await frames.next(); ; next = await frames.next()) {
    if (next.done === true) {
      if (next.value.explained) return
      throw new DamageError('more is wrong with it than what never arrived', { plainBytes: at, storedOffset: 0 })
    }
    at = next.value.marker.plainOffset + next.value.content.length
    yield next.value.content
  }
}

/** Reads an artifact to its end, or to where it cannot be read any further. */
async function readThrough(origin: Origin, progress: Progress, signal: AbortSignal) {
  const { holding, keyring, allowance, absent } = origin
  const { artifact, sealed, bytes, encoding } = holding
  const opens = sealed && keyring !== undefined
  const decodes = isDecoded(holding, keyring, absent)
  const digests: string[] = []
  const read = { bytes: 0 }
  const stored = progress.follow(artifact, bytes, 0, objectDigests(origin, digests, signal))
  const lost = new Lost(holding.holes)
  const opened = opens ? unsealed(stored, keyring, signal, lost) : stored
  // `bytesIn` counts what the host read: of a file that was compressed already, its own bytes.
  const framed = encoding !== 'as-is'
  const content = framed ? opened : counted(opened, read)
  const start = decodes && holding.holes.length === 0 ? coreStartOf(artifact) : undefined
  let trouble: Trouble | undefined
  let length: Awaited<ReturnType<typeof lengthOf>>
  try {
    const meter = decodes ? allowance.begin(expansionOf(holding)) : undefined
    const decoded = meter ? metered(unpacked({ holding, lost, meter }, content, signal), meter) : content
    for await (const chunk of framed ? counted(decoded, read) : decoded) {
      signal.throwIfAborted()
      start?.push(chunk)
    }
    if (opens || !sealed) trouble = otherSize(origin.holding, read.bytes)
    length = start && (await lengthOf(start))
    if (typeof length === 'object') trouble ??= { status: 'truncated', reason: length.cut }
  } catch (error) {
    signal.throwIfAborted()
    trouble = troubleOf(error)
  }
  trouble = otherDigest(origin.holding, digests) ?? trouble
  const checks: Record<Check, boolean> = {
    sha256: sameDigests(origin.holding, digests),
    seal: opens && trouble === undefined,
    frames: decodes && trouble === undefined,
    length: length === 'whole' && trouble === undefined,
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
