/** Follows a compressed file's own structure while it passes by, without decompressing it. */
export interface FrameWalk {
  push(chunk: Buffer): void
  /** At the file's end: what is wrong with it, or undefined where the last frame is whole. */
  flaw(): string | undefined
  /** What the frames hold that have passed, as far as they tell. */
  readonly holds: Holds
}

/** Bytes of content. */
export interface Holds {
  /** Undefined where a frame does not say it. */
  readonly exactly: number | undefined
  /** Infinity where the format does not say how much a block may hold. */
  readonly most: number
}

/** What a walker wants next: `take` bytes to look at, or to `skip` some. A file may end where a `frame` may begin. */
type Want = { readonly take: number; readonly frame?: true } | { readonly skip: number }
type Walker = Generator<Want, never, Buffer>

/** A walk over a file with this suffix; undefined for formats that cannot be followed without decompressing. */
export function frameWalk(suffix: string): FrameWalk | undefined {
  const holds = { exactly: 0, most: 0 }
  if (suffix === '.zst') return walk('zstd', zstdFrames(holds), holds)
  if (suffix === '.lz4') return walk('lz4', lz4Frames(), UNTOLD)
  return suffix === '.xz' ? xzFooter() : undefined
}

const UNTOLD: Holds = { exactly: undefined, most: Infinity }
const SKIPPABLE = 0x184d2a50
/** Block_Maximum_Size: RFC 8878, 3.1.1.2.4. */
const BLOCK_MOST = 128 * 1024

/** RFC 8878, 3.1: frames of a header, blocks that say their size, and a checksum. Adds up in `holds` what they hold. */
function* zstdFrames(holds: { exactly: number | undefined; most: number }): Walker {
  while (true) {
    const magic = (yield { take: 4, frame: true }).readUInt32LE()
    if ((magic & ~0xf) >>> 0 === SKIPPABLE) {
      yield { skip: (yield { take: 4 }).readUInt32LE() }
      continue
    }
    if (magic !== 0xfd2fb528) throw new Error(`no frame begins with ${magic.toString(16)}`)
    const descriptor = (yield { take: 1 }).readUInt8()
    const single = (descriptor >> 5) & 1
    const window = 1 - single
    const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0
    const contentSize = [single, 2, 4, 8][descriptor >> 6] ?? 0
    const fields = yield { take: window + dictionary + contentSize }
    const told = contentSizeOf(fields.subarray(window + dictionary))
    holds.exactly = holds.exactly === undefined || told === undefined ? undefined : holds.exactly + told
    for (let last = 0; last === 0; ) {
      const header = (yield { take: 3 }).readUIntLE(0, 3)
      last = header & 1
      const kind = (header >> 1) & 3
      holds.most += kind === RAW || kind === RUN ? header >> 3 : BLOCK_MOST
      yield { skip: kind === RUN ? 1 : header >> 3 }
    }
    if ((descriptor & 4) !== 0) yield { skip: 4 }
  }
}

/** Block_Type: RFC 8878, 3.1.1.2.2. */
const RAW = 0
const RUN = 1

/** Frame_Content_Size: RFC 8878, 3.1.1.1.4. */
function contentSizeOf(field: Buffer): number | undefined {
  if (field.length === 8) return Number(field.readBigUInt64LE())
  if (field.length === 2) return field.readUInt16LE() + 256
  return field.length === 0 ? undefined : field.readUIntLE(0, field.length)
}

/** LZ4 frame format 1.6 (lz4_Frame_format.md): a descriptor, blocks that say their size, an end mark of zeros. */
function* lz4Frames(): Walker {
  while (true) {
    const magic = (yield { take: 4, frame: true }).readUInt32LE()
    if ((magic & ~0xf) >>> 0 === SKIPPABLE) {
      yield { skip: (yield { take: 4 }).readUInt32LE() }
      continue
    }
    if (magic !== 0x184d2204) throw new Error(`no frame begins with ${magic.toString(16)}`)
    const flags = (yield { take: 1 }).readUInt8()
    const bit = (n: number) => (flags >> n) & 1
    yield { skip: 2 + bit(3) * 8 + bit(0) * 4 }
    while (true) {
      const size = (yield { take: 4 }).readUInt32LE() & 0x7fffffff
      if (size === 0) break
      yield { skip: size + bit(4) * 4 }
    }
    yield { skip: bit(2) * 4 }
  }
}

/** The .xz file format 1.2, 2.1.2.4: blocks do not say their size, but a stream's last two bytes are `YZ`. */
function xzFooter(): FrameWalk {
  let end = Buffer.alloc(0)
  return {
    holds: UNTOLD,
    push(chunk) {
      end = Buffer.concat([end, chunk.subarray(-2)]).subarray(-2)
    },
    flaw: () => (end.toString('latin1') === 'YZ' ? undefined : "the host's file is cut: it has no xz footer"),
  }
}

function walk(format: string, walker: Walker, holds: Holds): FrameWalk {
  let want: Want = walker.next().value
  let pending = Buffer.alloc(0)
  let skip = 0
  let position = 0
  let broken: string | undefined

  function advance(taken: Buffer): void {
    pending = Buffer.alloc(0)
    try {
      want = walker.next(taken).value
      if ('skip' in want) skip = want.skip
    } catch (error) {
      broken = `it is no whole ${format} file: at byte ${position}, ${error instanceof Error ? error.message : error}`
    }
  }

  return {
    holds,
    push(chunk) {
      for (let at = 0; at < chunk.length && broken === undefined; ) {
        const count = Math.min(chunk.length - at, 'skip' in want ? skip : want.take - pending.length)
        if ('skip' in want) skip -= count
        else pending = Buffer.concat([pending, chunk.subarray(at, at + count)])
        at += count
        position += count
        if ('skip' in want ? skip === 0 : pending.length === want.take) advance(pending)
      }
    },
    flaw() {
      while ('skip' in want && skip === 0 && broken === undefined) advance(pending)
      if (broken !== undefined) return broken
      if (position > 0 && 'frame' in want && pending.length === 0) return undefined
      return `the host's file is cut: its last ${format} frame does not end`
    },
  }
}
