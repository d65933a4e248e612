import type { FileHandle } from 'node:fs/promises'
import { type Around, framesAround } from '../../frames/around.ts'
import { plain } from '../../frames/decode.ts'
import { CutError, DamageError } from '../../frames/errors.ts'
import { ZEROS } from '../../frames/zeros.ts'
import type { Lost } from '../../seal/lost.ts'
import type { Range } from '../../words/ranges.ts'
import { formatBytes } from '../../words/units.ts'
import type { Trouble } from './bring.ts'
import { fileBytes, readAll } from './file-bytes.ts'

/** RFC 8878, 3.1.1. Ours begin with a skippable frame. */
const ZSTD_MAGIC = Buffer.from('28b52ffd', 'hex')

/** The content of a stored artifact of which parts are missing: zeros are where its frames are not. */
export class AroundHoles {
  readonly #stored: FileHandle
  readonly #lost: Lost
  readonly #most: number
  readonly #missing: Range[] = []
  #found = 0
  #end: Around | undefined

  /** `most`: bytes of content that it may have. */
  constructor(stored: FileHandle, lost: Lost, most: number) {
    this.#stored = stored
    this.#lost = lost
    this.#most = most
  }

  /** Where zeros stand in for content, in what has passed. */
  get missing(): readonly Range[] {
    return this.#missing
  }

  async *content(signal: AbortSignal): AsyncGenerator<Buffer, void, void> {
    const start = await readAll(this.#stored, 0, ZSTD_MAGIC.length)
    if (start.equals(ZSTD_MAGIC)) yield* this.#beforeFirstHole(signal)
    else yield* this.#framesAndZeros(signal)
  }

  /** What is to be said of it, when it has passed. */
  trouble(): Trouble {
    const restored = `${formatBytes(this.#found)} are restored`
    if (this.#end === undefined) return { status: 'truncated', reason: `${restored}, up to there` }
    if (this.#end.explained) return { status: 'truncated', reason: `${restored}, each frame at its place` }
    return { status: 'damaged', reason: `more is wrong with it; ${restored}, each frame at its place` }
  }

  /** Of an ordinary zstd file: behind a hole nothing of it can be decoded, and in it zeros would be taken for content. */
  async *#beforeFirstHole(signal: AbortSignal): AsyncGenerator<Buffer, void, void> {
    try {
      for await (const chunk of plain(fileBytes(this.#stored, this.#lost.content[0]?.from), signal)) {
        this.#found += chunk.length
        yield chunk
      }
    } catch (error) {
      if (!(error instanceof DamageError || error instanceof CutError)) throw error
    }
  }

  async *#framesAndZeros(signal: AbortSignal): AsyncGenerator<Buffer, void, void> {
    const { size } = await this.#stored.stat()
    const readAt = (from: number, length: number) => readAll(this.#stored, from, length)
    const frames = framesAround(readAt, size, () => this.#lost.content, this.#most, signal)
    let reached = 0
    for (let next = await frames.next(); ; next = await frames.next()) {
      if (next.done === true) {
        this.#end = next.value
        return
      }
      const { marker, content } = next.value
      const { plainOffset } = marker
      if (plainOffset > reached) this.#missing.push({ from: reached, to: plainOffset })
      for (; reached < plainOffset; reached += Math.min(ZEROS.length, plainOffset - reached))
        yield ZEROS.subarray(0, Math.min(ZEROS.length, plainOffset - reached))
      yield content
      reached += content.length
      this.#found += content.length
    }
  }
}
