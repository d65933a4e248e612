import { closeSync, constants, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { kernelDeaths } from '../../findings/kernel-words.ts'
import { kernelRecords } from '../host/kernel-log.ts'
import type { Kill } from './history.ts'

/** Larger than any record (host/kernel-log.ts). */
const RECORD = 16 * 1024
/** Records read at one look, 2 µs each: the report on a thousand processes. */
const RECORDS = 1024
/** And at the first: as many as the largest of usual logs holds. */
const RECORDS_BEFORE = 131_072
/** Kept, the last: a host that kills all the time does so for one reason. */
const KILLS = 128

/** Whom the kernel kills for want of memory, by its own log. */
export class Kills implements Disposable {
  readonly #fd: number | undefined
  readonly #buffer = Buffer.allocUnsafeSlow(RECORD)
  #kills: readonly Kill[] = []

  constructor(root: string) {
    this.#fd = opened(join(root, 'dev/kmsg'))
    // What was logged before is none of the recorder's.
    this.#unread(RECORDS_BEFORE, () => {})
  }

  /** Reads what was logged since the look before. `at` and `wall`: now, in ms since boot and since the epoch. */
  look(at: number, wall: number): void {
    const booted = wall - at
    let records = ''
    this.#unread(RECORDS, (text) => {
      records += text
    })
    if (records === '') return
    const messages = kernelRecords(records).flatMap(({ isKernels, time, text }) =>
      isKernels ? [{ at: booted + time / 1000, text }] : [],
    )
    const killed = kernelDeaths(messages).flatMap(({ kind, subject: { pid, comm, unit }, at: when }): Kill[] => {
      if (kind !== 'oom' || when === undefined) return []
      const who = {
        ...(pid !== undefined && { pid }),
        ...(comm !== undefined && { comm: apart(comm) }),
        ...(unit && { unit: apart(unit) }),
      }
      return [{ at: Math.round(when - booted), wall: Math.round(when), who }]
    })
    this.#kills = [...this.#kills, ...killed].slice(-KILLS)
  }

  /** Those since `from`, ms since boot. */
  since(from: number): readonly Kill[] {
    return this.#kills.filter(({ at }) => at >= from)
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
  }

  #unread(most: number, take: (text: string) => void): void {
    if (this.#fd === undefined) return
    for (let n = 0; n < most; n++) {
      try {
        const bytes = readSync(this.#fd, this.#buffer, 0, RECORD, null)
        if (bytes === 0) return
        take(this.#buffer.toString('utf8', 0, bytes))
      } catch (thrown) {
        // EPIPE: some were overwritten; the next read gives the oldest that is left.
        if ((thrown as NodeJS.ErrnoException).code !== 'EPIPE') return
      }
    }
  }
}

/** The same text on its own: as a part of another it would keep that, which is the report on all processes. */
const apart = (text: string) => Buffer.from(text).toString()

function opened(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch {
    return undefined
  }
}
