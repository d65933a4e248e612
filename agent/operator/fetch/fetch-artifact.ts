import { rename, rm, stat } from 'node:fs/promises'
import { type Holding, toldAgainst, withHoles } from '../bundle/holdings.ts'
import type { Progress } from '../terminal/progress.ts'
import type { Allowance, Expansion } from './allowance.ts'
import { bring, type Origin, type Trouble } from './bring.ts'
import type { Landing } from './landing.ts'
import { openBelow, placeBelow } from './place.ts'
import { type Bounds, restoreFrames } from './restore.ts'
import { toldInside } from './told-inside.ts'
import { unpackFrames } from './unpack.ts'

/**
 * What became of one artifact. `complete`: all of it is here. `truncated`, `damaged`: what there is of it is here.
 * `sealed`: all of it is here, and not opened. `missing`: the store has nothing of it. `refused`: it is more than a bundle
 * may become here. `failed`: it could not be fetched now, and another attempt goes on where this one ended.
 */
export interface Fetched {
  readonly artifact: string
  readonly status: 'complete' | 'truncated' | 'damaged' | 'sealed' | 'missing' | 'refused' | 'failed'
  /** Where it is, below the directory. */
  readonly path: string
  /** The files that came of it, below the directory. */
  readonly files: readonly string[]
  /** Bytes that lie there. */
  readonly bytes: number
  readonly reason: string | undefined
}

/**
 * Brings one artifact to where it lands below `directory`, in two steps: its stored bytes, unsealed, into a `.part`
 * file (where a later attempt goes on if this one breaks), and from there what they hold. So a core that the host had
 * compressed takes the disk once, and frames take their stored size on top for as long as they are decompressed.
 */
export async function fetchArtifact(
  origin: Origin,
  landing: Landing,
  directory: string,
  allowance: Allowance,
  progress: Progress,
  signal: AbortSignal,
): Promise<Fetched> {
  const { holding, keyring, space } = origin
  const { artifact, fault, receipt, holes, bytes: stored } = holding
  const nothing = { artifact, path: landing.name, files: [], bytes: 0 }
  if (holding.objects.length === 0) return { ...nothing, status: 'missing', reason: fault }
  const whole = holding.sealed && keyring === undefined ? 'sealed' : 'complete'
  const tree = landing.form === 'tree'
  const path = await placeBelow(directory, tree ? `${landing.name}.tar` : landing.name)
  const plainBytes = receipt?.status === 'complete' ? receipt.bytesIn : undefined
  const here = await stat(path).catch(() => undefined)
  if (
    here !== undefined &&
    here.size === (whole === 'sealed' ? stored : plainBytes) &&
    fault === undefined &&
    holes.length === 0
  ) {
    return { ...nothing, status: whole, files: [landing.name], bytes: here.size, reason: undefined }
  }

  const meter = landing.frames ? allowance.begin(expansionOf(holding)) : undefined
  const partPath = `${path}${landing.frames ? '.zst' : ''}.part`
  await using part = await openBelow(partPath)
  await space.check(stored - (await part.stat()).size)
  const brought = (await bring(origin, part, progress, signal)) ?? toldAgainst(holding)
  if (meter === undefined) return await settle(partPath, withHoles(holding, brought))
  const bounds = { meter, space, lost: origin.lost }
  if (tree) {
    const { trouble, ...unpacked } = await unpackFrames(part, directory, landing, bounds, signal)
    await rm(partPath)
    const told = receipt === undefined ? await toldInside(directory, landing.name, unpacked.files) : undefined
    return {
      ...nothing,
      ...unpacked,
      status: whole,
      reason: undefined,
      ...withHoles(holding, worse(brought, trouble ?? told)),
    }
  }
  const trouble = await decompress(bounds)
  const settled = await settle(`${path}.part`, withHoles(holding, worse(brought, trouble)))
  await rm(partPath)
  return settled

  async function decompress(bounds: Bounds): Promise<Trouble | undefined> {
    await using file = await openBelow(`${path}.part`)
    try {
      return await restoreFrames(part, file, bounds, signal)
    } catch (error) {
      await rm(`${path}.part`)
      throw error
    }
  }

  /** Gives the file its name: another one when it is damaged, so that nobody takes it for whole. */
  async function settle(from: string, trouble: Trouble | undefined): Promise<Fetched> {
    const suffix = trouble?.status === 'damaged' ? '.damaged' : ''
    await rename(from, path + suffix)
    const { size } = await stat(path + suffix)
    const name = landing.name + suffix
    return { artifact, status: whole, reason: undefined, ...trouble, path: name, files: [name], bytes: size }
  }
}

/**
 * What an artifact will become. A receipt that is not complete may not know how much was read, and of a file that was
 * compressed already it tells the size before it is expanded.
 */
export function expansionOf({ bytes, encoding, receipt }: Holding): Expansion {
  const isTold = receipt?.status === 'complete' && encoding === 'frames'
  return { stored: bytes, told: isTold ? receipt.bytesIn : undefined }
}

/** Two findings as one: the frames say best what is wrong, and bytes that are not those of the receipt are damage. */
function worse(stored: Trouble | undefined, decoded: Trouble | undefined): Trouble | undefined {
  if (stored === undefined || decoded === undefined) return decoded ?? stored
  return stored.status === 'damaged' ? { ...decoded, status: 'damaged' } : decoded
}
