import { buffer } from 'node:stream/consumers'
import { zstdCompressSync } from 'node:zlib'
import { type Header, pack } from 'tar-stream'
import { bareReceipt, corePiece, type Piece } from '../operator/bundle/bundle.ts'
import { type Attack, forged } from './attack.ts'

const MIB = 1024 ** 2
const GIB = 1024 ** 3

/** zstd frames of `bytes` in all, each with its size and sum as ours have them, of so many of one byte. */
function many(byte: number, bytes: number): Buffer {
  const block = zstdCompressSync(Buffer.alloc(64 * MIB, byte))
  return Buffer.concat(Array.from({ length: bytes / (64 * MIB) }, () => block))
}

/** The header block of one tar entry (POSIX ustar), whatever size it claims. */
function tarHeader(name: string, size: string, type: string): Buffer {
  const block = Buffer.alloc(512)
  block.write(name, 0)
  block.write('0000644\0', 100)
  block.write('0000000\0'.repeat(2), 108)
  block.write(size, 124)
  block.write('00000000000\0', 136)
  block.write('        ', 148)
  block.write(type, 156)
  block.write('ustar\x0000', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

const facts = (tar: Buffer): Piece => forged('facts.tar.zst', 'facts', zstdCompressSync(tar), tar.length)

async function tarOfMany(headers: Iterable<Partial<Header> & { readonly name: string }>): Promise<Buffer> {
  const tar = pack()
  const whole = buffer(tar)
  for (const header of headers) tar.entry(header, '')
  tar.finalize()
  return await whole
}

function* times<T>(count: number, each: (n: number) => T): Generator<T> {
  for (let n = 0; n < count; n++) yield each(n)
}

/** A skippable frame (RFC 8878, 3.1.2) that claims so many bytes. */
function skippable(bytes: number): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(0x184d2a50)
  head.writeUInt32LE(bytes, 4)
  return head
}

/** The head of a frame that wants a window of 2^(10+exponent) bytes (RFC 8878, 3.1.1.1.2), and of no size that is told. */
const wideWindow = (exponent: number) => Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, exponent << 3, 0x01, 0x00, 0x00])

/** A table at the end (zstd's seekable format) that tells of as many frames as 32 bits can. */
function seekTable(frames: number): Buffer {
  const foot = Buffer.alloc(9)
  foot.writeUInt32LE(frames)
  foot.writeUInt32LE(0x8f92eab1, 5)
  return Buffer.concat([skippable(9), foot])
}

export const bombs: readonly Attack[] = [
  {
    name: '4 GiB of zeros in a few KiB',
    make: () => ({ pieces: [forged('live/a.core.zst', 'live', many(0, 4 * GIB), 4 * GIB)] }),
  },
  {
    name: '4 GiB of one letter',
    make: () => ({ pieces: [forged('live/a.core.zst', 'live', many(120, 4 * GIB), 4 * GIB)] }),
  },
  {
    name: 'twenty times 512 MiB',
    make: () => {
      const content = many(120, 512 * MIB)
      return { pieces: Array.from({ length: 20 }, (_, n) => forged(`live/${n}.core.zst`, 'live', content, 512 * MIB)) }
    },
  },
  {
    name: 'more than its receipt says',
    make: () => ({
      pieces: [
        forged('live/a.core.zst', 'live', many(120, GIB), 1000),
        forged('memory/vmcore.zst', 'memory', many(0, GIB), Number.MAX_SAFE_INTEGER),
      ],
    }),
  },
  {
    name: 'a tar with a file of 2 GiB',
    make: () => {
      const body = Buffer.concat([
        zstdCompressSync(tarHeader('big', '20000000000\0', '0')),
        many(120, 2 * GIB),
        zstdCompressSync(Buffer.alloc(1024)),
      ])
      return { pieces: [forged('facts.tar.zst', 'facts', body, 2 * GIB + 1536)] }
    },
  },
  {
    name: 'a tar whose names are a megabyte each',
    make: async () => ({
      pieces: [
        facts(
          await tarOfMany(
            times(
              200,
              (n) => ({ name: `${n}/`.padEnd(MIB, 'x'), type: 'symlink', linkname: 'y'.repeat(MIB) }) as const,
            ),
          ),
        ),
      ],
    }),
  },
  {
    name: 'a tar of 100,000 directories and links',
    make: async () => ({
      pieces: [
        facts(
          await tarOfMany(
            times(100_000, (n) => ({ name: `d${n}`, type: n % 2 ? 'directory' : 'symlink', linkname: 'x' }) as const),
          ),
        ),
      ],
    }),
  },
  {
    name: 'a tar of 9,000 files, as many as may be',
    make: async () => ({ pieces: [facts(await tarOfMany(times(9_000, (n) => ({ name: `f${n}` }))))] }),
  },
  {
    name: 'a tar with a pax header of 2 GiB',
    make: () => {
      const body = Buffer.concat([zstdCompressSync(tarHeader('pax', '20000000000\0', 'x')), many(120, 2 * GIB)])
      return { pieces: [forged('facts.tar.zst', 'facts', body, 2 * GIB + 512)] }
    },
  },
  {
    name: 'a tar whose long name never ends',
    make: () => {
      const body = Buffer.concat([zstdCompressSync(tarHeader('././@LongLink', '7777777777\0', 'L')), many(120, GIB)])
      return { pieces: [forged('stacks.tar.zst', 'stacks', body, GIB + 512)] }
    },
  },
  {
    name: 'a size in a tar that is negative, or no number',
    make: () => ({
      pieces: [
        facts(
          Buffer.concat([tarHeader('a', '-0000000001\0', '0'), tarHeader('b', 'abcdefgh\0', '0'), Buffer.alloc(1024)]),
        ),
      ],
    }),
  },
  {
    name: 'a frame that wants a window of 2 GiB',
    make: () => ({
      pieces: [21, 22, 30, 31].map((exponent) => forged(`live/${exponent}.core.zst`, 'live', wideWindow(exponent))),
    }),
  },
  {
    name: 'a skippable frame of 4 GiB that is not there',
    make: () => ({
      pieces: [forged('live/a.core.zst', 'live', Buffer.concat([skippable(2 ** 32 - 1), Buffer.alloc(1000)]))],
    }),
  },
  {
    name: 'a table of 4 billion frames',
    make: () => ({
      pieces: [
        forged(
          'live/a.core.zst',
          'live',
          Buffer.concat([zstdCompressSync(Buffer.from('x')), seekTable(2 ** 32 - 1)]),
          1,
        ),
      ],
    }),
  },
  {
    name: 'a million beginnings of frames',
    make: () => ({
      pieces: [
        forged(
          'live/a.core.zst',
          'live',
          Buffer.concat(Array.from({ length: 250_000 }, () => Buffer.from([0x28, 0xb5, 0x2f, 0xfd]))),
          MIB,
        ),
      ],
    }),
  },
  {
    name: 'a hundred thousand empty frames',
    make: () => ({
      pieces: [
        forged(
          'live/a.core.zst',
          'live',
          Buffer.concat(Array.from({ length: 100_000 }, () => zstdCompressSync(Buffer.alloc(0)))),
          0,
        ),
      ],
    }),
  },
  { name: 'a core of the host that is compressed to nothing', make: () => ({ pieces: [corePiece(many(0, 4 * GIB))] }) },
  {
    name: '100,000 crashes',
    make: () => ({
      others: Array.from({ length: 100_000 }, (_, n) =>
        bareReceipt('cores', 'skipped', {
          artifact: `cores/${n}`,
          because: 'deadline',
          reason: 'no time',
          item: { pid: n, signal: 11, exe: `/bin/${n}`, at: n },
        }),
      ),
    }),
  },
  {
    name: '200,000 receipts of nothing',
    make: () => ({
      others: Array.from({ length: 200_000 }, (_, n) => bareReceipt('facts', 'failed', { artifact: `f${n}` })),
    }),
  },
]
