import { createGunzip, createZstdDecompress } from 'node:zlib'
import type { ItemIdentity } from '../../../bundle/evidence.ts'
import { abandonable } from '../../../deadline.ts'
import { formatBytes } from '../../../settings/units.ts'
import { passing } from '../../passing.ts'
import { type OpenFile, readFrom } from '../../read-file.ts'
import type { Reading } from '../../source.ts'
import { type ElfHead, parseElfHead } from './elf-head.ts'
import { frameWalk } from './frame-walk.ts'

/** The program headers of 65,000 mappings and the first notes. */
const HEAD_BYTES = 4 * 1024 * 1024
/** As much of a compressed core as is looked into for them. */
const COMPRESSED_HEAD_BYTES = 1024 * 1024

/** What is known of a core before it is read, as far as it bears on whether it is whole. */
export interface Expected {
  /** `.zst`, … for a compressed one, else empty. */
  readonly suffix: string
  /** RLIMIT_CORE of its process in bytes, which systemd-coredump cuts at. */
  readonly rlimit?: number | undefined
  /** Why it is known to be cut. */
  readonly cut?: string | undefined
}

/**
 * Reads a core as it lies there, looks at its ELF headers while it passes, and says where it is cut:
 * a plain one shorter than its headers say, a compressed one that does not end as its format does or that
 * was larger than its process was allowed.
 */
export function readCore(
  file: OpenFile,
  { suffix, rlimit, cut }: Expected,
  limit: number,
  signal: AbortSignal,
): Reading {
  const size = file.stats.size
  const reading = readFrom(file, size, limit, signal)
  const walk = frameWalk(suffix)
  let head: ElfHead | undefined
  let begun = false
  let ended = false

  async function* chunks(): AsyncGenerator<Buffer, void, Buffer | undefined> {
    yield* passing(reading.chunks, async (chunk) => {
      if (!begun) head = await headOf(chunk, suffix, parseElfHead)
      begun = true
      walk?.push(chunk)
    })
    ended = true
  }

  function flaw(): string | undefined {
    if (!ended) return undefined
    if (size === 0) return "the host's file is empty"
    const end = head?.end ?? 0
    if (suffix === '' && end > size) return `the host stored only ${formatBytes(size)} of its ${formatBytes(end)}`
    if (rlimit !== undefined && end > rlimit) {
      return `the host cut it: ${formatBytes(end)} were more than the core limit of ${formatBytes(rlimit)}`
    }
    return cut ?? walk?.flaw()
  }

  return {
    chunks: chunks(),
    outcome() {
      const truncated = reading.outcome().truncated ?? flaw()
      return { ...(truncated !== undefined && { truncated }), ...(head && { identity: identityOf(head) }) }
    },
    [Symbol.asyncDispose]: () => reading[Symbol.asyncDispose](),
  }
}

function identityOf({ end: _, thread, ...identity }: ElfHead): ItemIdentity {
  const { threads } = identity
  const isOneOfMany = thread !== undefined && threads !== undefined && threads > 1
  return isOneOfMany ? { ...identity, note: `thread ${thread} of ${threads} crashed` } : identity
}

/** What `parse` makes of the start of a core that is open; undefined where that cannot be had cheaply. */
export async function readHead<T>(file: OpenFile, suffix: string, parse: Parse<T>, signal: AbortSignal) {
  const start = Buffer.allocUnsafe(suffix === '' ? HEAD_BYTES : COMPRESSED_HEAD_BYTES)
  const { bytesRead } = await abandonable(file.handle.read(start, 0, start.length, 0), signal)
  return await headOf(start.subarray(0, bytesRead), suffix, parse)
}

/** Reads the start of a core; `more` where it takes more of it, unless that is all there is. */
type Parse<T> = (head: Buffer, isAll: boolean) => T | 'more' | undefined

async function headOf<T>(chunk: Buffer, suffix: string, parse: Parse<T>): Promise<T | undefined> {
  if (suffix === '') return known(parse(chunk, true))
  const chunkSize = 256 * 1024
  const decompress =
    suffix === '.zst' ? createZstdDecompress({ chunkSize }) : suffix === '.gz' ? createGunzip({ chunkSize }) : undefined
  if (decompress === undefined) return undefined
  // A copy: the chunk is the consumer's before the decompressor lets go of its input.
  decompress.end(Buffer.from(chunk.subarray(0, COMPRESSED_HEAD_BYTES)))
  let plain = Buffer.alloc(0)
  try {
    for await (const part of decompress as AsyncIterable<Buffer>) {
      plain = Buffer.concat([plain, part])
      const head = parse(plain, plain.length > HEAD_BYTES)
      if (head !== 'more') return head
    }
  } catch {
    // Cut or no such format, which the walk over its frames says better.
  } finally {
    decompress.destroy()
  }
  return known(parse(plain, true))
}

const known = <T>(head: T | 'more' | undefined) => (head === 'more' ? undefined : head)
