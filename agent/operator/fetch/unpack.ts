import type { FileHandle } from 'node:fs/promises'
import { plain } from '../../frames/decode.ts'
import { sentence } from '../../words/cannot.ts'
import { overlaps } from '../../words/ranges.ts'
import { safeParts } from '../bundle/names.ts'
import { metered, TooLargeError } from './allowance.ts'
import { AroundHoles } from './around-holes.ts'
import type { Trouble } from './bring.ts'
import { fileBytes, writeAll } from './file-bytes.ts'
import { entryPlace, folded, type Landing } from './landing.ts'
import { openBelow, placeBelow } from './place.ts'
import { type Bounds, decodeTrouble } from './restore.ts'
import { type TarEntry, TarError, tarEntries } from './tar-entries.ts'

/** A tree of ours has a few hundred files, and a few thousand on a host of very many processes. Each costs a millisecond. */
const MOST_ENTRIES = 10_000
/** Parts of a name: cgroups are some ten deep. */
const MOST_DEPTH = 32
/** Parts of all their names: each is a directory that is made or looked at. */
const MOST_PARTS = 25_000
/** Entries that are named when they were left out, and how much of a name. */
const TOLD = 3
const TOLD_LENGTH = 100

export interface Unpacked {
  /** Those unpacked, named below `directory`. */
  readonly files: readonly string[]
  readonly bytes: number
  /** Why it is not all here; what came before is unpacked. */
  readonly trouble: Trouble | undefined
}

/**
 * Unpacks the regular files of the tar whose frames `stored` holds below `directory`, where its landing says, as far as it goes. It
 * is foreign input: what is no file or directory is left out, and no entry lands outside.
 */
export async function unpackFrames(
  stored: FileHandle,
  directory: string,
  landing: Pick<Landing, 'name' | 'taken'>,
  { meter, space, lost }: Bounds,
  signal: AbortSignal,
): Promise<Unpacked> {
  const files: string[] = []
  const leftOut = { count: 0, told: [] as string[] }
  let bytes = 0
  let trouble: Trouble | undefined
  const torn: string[] = []
  const around = lost.content.length > 0 ? new AroundHoles(stored, lost, meter.left) : undefined
  const content = around?.content(signal) ?? plain(fileBytes(stored), signal)
  try {
    await unpackEach(tarEntries(metered(content, meter), signal, around !== undefined))
    trouble = around?.trouble()
  } catch (error) {
    const isOurs = error instanceof TooLargeError || error instanceof TarError
    trouble = isOurs ? truncated(sentence(error)) : decodeTrouble(error, signal)
  }
  if (torn.length > 0 && trouble !== undefined)
    trouble = { ...trouble, reason: `${trouble.reason}; zeros stand for a part of ${tornTold(torn)}` }
  if (leftOut.count > 0) trouble ??= truncated(`left out: ${toldOf(leftOut)}`)
  return { files, bytes, trouble }

  async function unpackEach(tar: AsyncIterable<TarEntry>): Promise<void> {
    let entries = 0
    let parts = 0
    for await (const entry of tar) {
      entries += 1
      parts += entry.name.split('/').length
      if (entries > MOST_ENTRIES) throw new TarError(`it has more than ${MOST_ENTRIES} entries`)
      if (parts > MOST_PARTS) throw new TarError(`its names have more than ${MOST_PARTS} parts`)
      if (entry.kind === 'directory') continue
      const refused = entry.kind === 'other' ? 'it is no file' : await unpackFile(entry)
      if (refused === undefined) continue
      leftOut.count += 1
      if (leftOut.told.length < TOLD) leftOut.told.push(`${entry.name.slice(0, TOLD_LENGTH)}: ${refused}`)
    }
  }

  /** Why it was not unpacked, where it was not. */
  async function unpackFile(entry: TarEntry): Promise<string | undefined> {
    const file = entryPlace(landing, entry.name.replace(/^\.\//, ''))
    if (landing.taken?.has(folded(file))) return 'something else has its place'
    const parts = safeParts(file)
    if ('refused' in parts) return parts.refused
    if (parts.length > MOST_DEPTH) return `its name has more than ${MOST_DEPTH} parts`
    const path = await placeBelow(directory, file).catch((error: Error) => error)
    if (path instanceof Error) return sentence(path)
    await using to = await openBelow(path)
    await to.truncate(0)
    files.push(file)
    let at = 0
    for await (const chunk of entry.content()) {
      await space.take(chunk.length)
      await writeAll(to, chunk, at)
      at += chunk.length
      bytes += chunk.length
    }
    if (around !== undefined && overlaps(around.missing, entry.from, entry.from + at)) torn.push(file)
    return undefined
  }
}

function truncated(why: string): Trouble {
  return { status: 'truncated', reason: `cannot unpack all of it: ${why}` }
}

function tornTold(torn: readonly string[]): string {
  const told = torn.slice(0, TOLD).map((name) => name.slice(0, TOLD_LENGTH))
  return [...told, ...(torn.length > TOLD ? [`${torn.length - TOLD} more`] : [])].join(', ')
}

function toldOf({ count, told }: { readonly count: number; readonly told: readonly string[] }): string {
  const more = count - told.length
  return [...told, ...(more === 0 ? [] : [`and ${more} more`])].join('; ')
}
