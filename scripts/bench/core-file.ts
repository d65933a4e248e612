import { createCipheriv } from 'node:crypto'
import { open } from 'node:fs/promises'
import { seeded } from '../../test/random.ts'

const PAGE = 4096
/** Of each kind of content so much is made; a file takes runs of it from anywhere. Far beyond zstd's window at level 1. */
const PALETTE = 16 * 1024 * 1024
/** Most pages in a run of one kind: heaps and stacks change their character every few hundred KiB. */
const RUN_PAGES = 64
/** Shares of a server's core, in hundredths: together they shrink to about two fifths by zstd -1. */
const SHARES = { zero: 27, text: 28, pointers: 24, random: 21 } as const
const BATCH = 16 * 1024 * 1024

/** A core of `bytes` that shrinks as real ones do: ELF headers, then runs of zeros, log text, pointers and random bytes. */
export async function writeCore(path: string, bytes: number, signal: AbortSignal): Promise<void> {
  const random = seeded(2)
  const palettes = [Buffer.alloc(RUN_PAGES * PAGE), text(random), pointers(random), noise()]
  const ends = Object.values(SHARES).map((_, i, shares) =>
    shares.slice(0, i + 1).reduce((sum, share) => sum + share, 0),
  )
  await using file = await open(path, 'wx')
  const batch = Buffer.alloc(BATCH)
  for (let written = 0; written < bytes; written += batch.length) {
    signal.throwIfAborted()
    for (let at = 0; at < BATCH; ) {
      const kind = random() * 100
      const palette = palettes[ends.findIndex((end) => kind < end)] as Buffer
      const length = Math.min(BATCH - at, Math.ceil(random() * RUN_PAGES) * PAGE)
      const from = Math.floor((random() * (palette.length - length)) / 8) * 8
      at += palette.copy(batch, at, from, from + length)
    }
    if (written === 0) elfHeaders(bytes).copy(batch)
    await file.write(batch, 0, Math.min(BATCH, bytes - written))
  }
}

/** Header and one PT_LOAD over all that follows: elf(5), 64-bit little-endian core for x86-64. */
function elfHeaders(bytes: number): Buffer {
  const head = Buffer.alloc(PAGE)
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(head)
  head.writeUInt16LE(4, 16) // ET_CORE
  head.writeUInt16LE(62, 18) // EM_X86_64
  head.writeUInt32LE(1, 20)
  head.writeBigUInt64LE(64n, 32) // where the program headers are
  head.writeUInt16LE(64, 52)
  head.writeUInt16LE(56, 54)
  head.writeUInt16LE(1, 56)
  head.writeUInt32LE(1, 64) // PT_LOAD
  head.writeBigUInt64LE(BigInt(PAGE), 64 + 8)
  head.writeBigUInt64LE(BigInt(bytes - PAGE), 64 + 32)
  head.writeBigUInt64LE(BigInt(bytes - PAGE), 64 + 40)
  return head
}

function text(random: () => number): Buffer {
  const words = Array.from({ length: 2000 }, () => Math.floor(random() * 36 ** 6).toString(36))
  const lines: string[] = []
  for (let length = 0; length < PALETTE; ) {
    const said = Array.from({ length: 8 }, () => words[Math.floor(random() ** 3 * words.length)]).join(' ')
    const line = `2026-01-01T00:00:${(random() * 60).toFixed(6)}Z INFO request id=${Math.floor(random() * 1e9)} ${said}\n`
    length += line.length
    lines.push(line)
  }
  return Buffer.from(lines.join(''), 'latin1')
}

/** What heaps are made of: addresses in a few arenas, small numbers, and nothing. */
function pointers(random: () => number): Buffer {
  const buffer = Buffer.alloc(PALETTE)
  for (let at = 0; at < PALETTE; at += 8) {
    const kind = random()
    if (kind < 0.4) buffer.writeBigUInt64LE(0x7f3a_0000_0000n + BigInt(Math.floor(random() * 2 ** 22)) * 16n, at)
    else if (kind < 0.7) buffer.writeUInt32LE(Math.floor(random() * 4096), at)
  }
  return buffer
}

function noise(): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(Buffer.alloc(PALETTE))
}
