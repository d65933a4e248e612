import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { constants, zstdCompressSync } from 'node:zlib'
import type { Test } from 'tap'
import { FRAME_BYTES, formatMarker, MARKER_BYTES } from '../../agent/frames/marker.ts'
import { type BundlePlan, corePiece, type Piece } from '../operator/bundle/bundle.ts'
import { type Measured, measured } from './measured.ts'
import { filesBelow, type Scene, setUp } from './set-up.ts'

export const MIB = 1024 ** 2
export const GIB = 1024 ** 3
/** What none of these may take, whatever it is: see BUNDLE.md. Seconds are those of a slow processor. */
export const MEMORY = 256 * MIB
export const PROCESSOR = 30

/** Frames of one letter: `bytes` of content in a few hundred bytes for each 4 MiB. They have no end. */
export function bomb(bytes: number): Buffer {
  const params = { [constants.ZSTD_c_checksumFlag]: 1 }
  const frame = zstdCompressSync(Buffer.alloc(FRAME_BYTES, 'A'), { params })
  return Buffer.concat(
    Array.from({ length: bytes / FRAME_BYTES }, (_, i) => {
      const place = { storedOffset: i * (MARKER_BYTES + frame.length), plainOffset: i * FRAME_BYTES }
      return Buffer.concat([formatMarker({ ...place, storedLength: frame.length, plainLength: FRAME_BYTES }), frame])
    }),
  )
}

/** A core whose stored bytes are as given, and whose receipt says that it holds `told` bytes, or does not know. */
export function corePieceOf(name: string, stored: Buffer, told: number | undefined): Piece {
  const status = told === undefined ? { status: 'truncated' as const, reason: 'no time' } : { bytesIn: told }
  return {
    ...corePiece(stored, { item: {} }),
    artifact: `live/${name}.core.zst`,
    receipt: { encoding: 'frames', ...status },
  }
}

export interface Attack {
  readonly scene: Scene
  run(command: string, ...args: string[]): Promise<Measured>
}

/** A hostile bundle, and the program, which is held to what a bundle may take. `letters`: what it may print. */
export async function attack(
  test: Test,
  plan: Partial<BundlePlan> & { sealed?: boolean },
  letters = 100_000,
): Promise<Attack> {
  const scene = await setUp(test, plan)
  const run = async (command: string, ...args: string[]) => {
    const to = command === 'fetch' ? ['--to', scene.to] : []
    const found = await measured([command, 'latest', '--store', scene.url, ...to, ...args], scene.directory)
    test.ok(found.peak < MEMORY, `${command}: ${Math.round(found.peak / MIB)} MiB of memory`)
    test.ok(found.processor < PROCESSOR, `${command}: ${found.processor.toFixed(1)} s of processor`)
    test.ok(found.stdout.length + found.stderr.length < letters, `${command}: no more is printed than somebody reads`)
    return found
  }
  return { scene, run }
}

/** Bytes on disk and bytes of content of all that was fetched. */
export async function fetchedSize({ to }: Scene): Promise<{ disk: number; content: number }> {
  const stats = await Promise.all((await filesBelow(to)).map((file) => stat(join(to, file))))
  const sum = (of: (one: (typeof stats)[number]) => number) => stats.reduce((bytes, one) => bytes + of(one), 0)
  return { disk: sum(({ blocks }) => blocks * 512), content: sum(({ size }) => size) }
}
