import { CONTENT_MAX } from '../../frames/seek-table.ts'
import type { Lease } from '../../streams/lease.ts'
import type { ItemIdentity } from '../../words/evidence.ts'
import type { OpenFile } from '../host/open-file.ts'
import { passing } from '../host/passing.ts'
import { readFrom } from '../host/read-file.ts'
import type { Reading } from '../host/reading.ts'
import { CoreStart } from './core-start.ts'
import { type CoreProcess, type ElfHead, readElfHead } from './elf-head.ts'
import { frameWalk } from './frame-walk.ts'
import { UnpackedLength } from './unpacked-length.ts'
import { type Expected, type Wholeness, wholeness } from './wholeness.ts'

/**
 * Reads a core as it lies there, with what its headers tell, and says whether it is whole: as long as its ELF headers promise (a
 * compressed one by what it holds), unchanged while it was read. Where that could not be found out, it says so.
 */
export async function readCore(
  file: OpenFile,
  expected: Expected,
  limit: number,
  signal: AbortSignal,
): Promise<Reading> {
  const { suffix } = expected
  const size = file.stats.size
  const reading = readFrom(file, size, Math.min(limit, suffix === '' ? CONTENT_MAX : limit), signal)
  try {
    using start = new CoreStart(file, suffix, signal)
    const head = await readElfHead(start.readAt)
    return reader(file, expected, { reading, head }, signal)
  } catch (error) {
    await reading[Symbol.asyncDispose]()
    throw error
  }
}

interface Begun {
  readonly reading: Reading
  readonly head: ElfHead | undefined
}

function reader(file: OpenFile, expected: Expected, { reading, head }: Begun, signal: AbortSignal): Reading {
  const { suffix } = expected
  const { size, mtimeMs } = file.stats
  const walk = frameWalk(suffix)
  let length: UnpackedLength | undefined
  let whole: Wholeness = {}

  async function* chunks(): AsyncGenerator<Lease, void, void> {
    let isFirst = true
    yield* passing(reading.chunks, (chunk) => {
      walk?.push(chunk)
      // Frames that say what they hold need not be decompressed for it.
      if (isFirst && suffix !== '' && head !== undefined && walk?.holds.exactly === undefined)
        length = new UnpackedLength(suffix)
      isFirst = false
      length?.push(chunk)
    })
    if (reading.outcome().truncated !== undefined) return
    const unpacked = await length?.ended(signal)
    const now = await file.handle.stat(signal)
    whole = wholeness(expected, {
      size,
      isChanged: now.size !== size || now.mtimeMs !== mtimeMs,
      layout: head?.layout,
      flaw: walk?.flaw(),
      holds: walk?.holds,
      unpacked,
    })
  }

  return {
    chunks: chunks(),
    outcome() {
      const { truncated = whole.truncated, identity: read } = reading.outcome()
      const { unchecked } = whole
      const identity = { ...(head && processIdentity(head.process)), ...read, ...(unchecked && { unchecked }) }
      return { ...(truncated !== undefined && { truncated }), identity }
    },
    async [Symbol.asyncDispose]() {
      length?.[Symbol.dispose]()
      await reading[Symbol.asyncDispose]()
    },
  }
}

/** What the headers of a core tell of its process, as identity. */
export function processIdentity({ thread, ...identity }: CoreProcess): ItemIdentity {
  const { threads } = identity
  const isOneOfMany = thread !== undefined && threads !== undefined && threads > 1
  return isOneOfMany ? { ...identity, details: { source: 'cores', thread } } : identity
}
