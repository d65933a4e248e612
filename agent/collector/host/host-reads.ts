import * as fs from 'node:fs'
import { promisify } from 'node:util'
import { bytePath, shownName } from '../../words/host-name.ts'
import { afterOwn, OwnTime } from '../../words/own-time.ts'
import { isAbsent, kindOf, type Ledger } from './ledger.ts'

/**
 * How long one file may take, in ms of which this process was run (words/own-time.ts). Read from memory in 50 µs; what needs longer than
 * this is stuck in the kernel.
 */
export const READ_WAIT = 500
/** Bytes taken of one file where its list says nothing else: the longest of the usual ones, /proc/stat of 256 CPUs, is 40 KiB. */
export const FILE_BYTES = 64 * 1024
/** Stuck reads after which files of this kind are left alone: with one process hung on its memory map, others often are. */
const STUCK_OF_A_KIND = 2
/**
 * Pool threads given away to stuck reads before all reading ends: half of them, for frames are made on the same ones. libuv has
 * four, and more where the environment says so, as the collector's unit does.
 */
const STUCK_THREADS = Math.max(3, Math.floor(Number(process.env.UV_THREADPOOL_SIZE ?? 4) / 2))
/** From here on user ids are people's: login.defs(5), UID_MIN. */
const FIRST_PERSON = 1000
/** Names taken of one directory: as many descriptors as a process usually may have. */
const NAMES = 65_536

const open = promisify(fs.open)
const read = promisify(fs.read)
const opendir = promisify(fs.opendir)
const readlink = promisify(fs.readlink)
const stat = promisify(fs.stat)
const lstat = promisify(fs.lstat)

export interface ReadOptions {
  /** Most bytes taken; what is beyond is lost, and said so. */
  readonly limit?: number
  /** The file is made by one `show` in the kernel: a read that does not fill the buffer has all of it. */
  readonly once?: boolean
  /** That it does not exist is no news. */
  readonly optional?: boolean
  /** That there is more than the limit is no news either. */
  readonly head?: boolean
  /** What is lost of it is told in errors.txt, and makes the facts no less complete: ledger.ts. */
  readonly detail?: boolean
  /** Whose process it is about: who makes reads hang on purpose shall not keep those of the system from being read. */
  readonly uid?: number
}

/**
 * Reads files below a root, each within its own bounds of time and size. Nothing throws: what cannot be read is
 * `undefined` and a line in the ledger. Paths have a character for each byte (words/host-name.ts), as `names` gives them. A read that hangs in the kernel costs its wait and one pool thread; its
 * descriptor and buffer stay with it until the kernel lets go.
 */
export class HostReads implements Disposable {
  readonly root: string
  readonly signal: AbortSignal
  readonly ledger: Ledger
  /** By which it is judged whether a read hangs, and how long reading goes on. */
  readonly time = new OwnTime()
  readonly #scratch: Buffer[] = []
  readonly #waiting = new Set<(reason: unknown) => void>()
  readonly #stuckKinds = new Map<string, number>()
  #stuckNow = 0

  constructor(root: string, ledger: Ledger, signal: AbortSignal) {
    this.root = root
    this.ledger = ledger
    this.signal = signal
    signal.addEventListener('abort', this.#giveUp)
  }

  [Symbol.dispose](): void {
    this.signal.removeEventListener('abort', this.#giveUp)
    this.time[Symbol.dispose]()
  }

  /** Content of a file, up to the limit. */
  bytes(path: string, options: ReadOptions = {}): Promise<Buffer | undefined> {
    return this.#ask(path, options, () => this.#content(path, options, (part) => Buffer.from(part)))
  }

  /** The same as text. Bytes that are no UTF-8 become replacement characters. */
  text(path: string, options: ReadOptions = {}): Promise<string | undefined> {
    return this.#ask(path, options, () => this.#content(path, options, (part) => part.toString('utf8')))
  }

  /** Names in a directory, sorted, a character for each byte; only of directories where asked. */
  names(
    path: string,
    options: ReadOptions & { readonly folders?: boolean } = {},
  ): Promise<readonly string[] | undefined> {
    return this.#ask(path, options, async () => {
      const names: string[] = []
      const directory = await opendir(bytePath(this.root, path), { bufferSize: 1024, encoding: 'latin1' })
      for await (const entry of directory) {
        if (options.folders && !entry.isDirectory()) continue
        if (names.push(entry.name) < NAMES) continue
        this.ledger.lost(path, `cut after ${NAMES} names`, options)
        break
      }
      return names.sort()
    })
  }

  /** Where a symbolic link points to, as people read it. */
  link(path: string, options: ReadOptions = {}): Promise<string | undefined> {
    return this.#ask(path, options, async () => shownName(await readlink(bytePath(this.root, path), 'latin1')))
  }

  /** What stat says of a path, following links only where asked: to follow one is to ask the file system it leads to. */
  stat(path: string, options: ReadOptions & { readonly follow?: boolean } = {}): Promise<fs.Stats | undefined> {
    return this.#ask(path, options, () => (options.follow ? stat : lstat)(bytePath(this.root, path)))
  }

  /** Anything else that asks the kernel about a path, under the same bounds. */
  ask<T>(path: string, work: () => Promise<T>): Promise<T | undefined> {
    return this.#ask(path, {}, work)
  }

  /** Whether the time is up; who asks leaves something out, so the ledger says it is lost. */
  over(): boolean {
    if (this.signal.aborted) this.ledger.lost('everything from here on', 'the time was up')
    return this.signal.aborted
  }

  async #ask<T>(path: string, options: ReadOptions, work: () => Promise<T>): Promise<T | undefined> {
    if (this.over()) return undefined
    const kind = kindOf(path) + ((options.uid ?? 0) >= FIRST_PERSON ? " of people's" : '')
    if (this.#stuckNow >= STUCK_THREADS || (this.#stuckKinds.get(kind) ?? 0) >= STUCK_OF_A_KIND) {
      this.ledger.lost(path, 'not tried, because reads before it hung', options)
      return undefined
    }
    try {
      return await this.#inTime(kind, work)
    } catch (thrown) {
      if (this.over()) return undefined
      if (thrown instanceof Hung) this.ledger.lost(path, thrown, options)
      else if (!(options.optional && isAbsent(thrown))) this.ledger.note(path, thrown)
      return undefined
    }
  }

  #inTime<T>(kind: string, work: () => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    let pending = true
    let stuck = false
    const late = () => {
      if (!pending) return
      stuck = true
      this.#stuckNow++
      this.#stuckKinds.set(kind, (this.#stuckKinds.get(kind) ?? 0) + 1)
      reject(new Hung(`no answer from the kernel within ${READ_WAIT} ms`))
    }
    const cancel = afterOwn(READ_WAIT, this.time, late)
    this.#waiting.add(reject)
    work()
      .then(resolve, reject)
      .finally(() => {
        pending = false
        cancel()
        this.#waiting.delete(reject)
        if (stuck) this.#stuckNow--
      })
    return promise
  }

  async #content<T extends string | Buffer>(path: string, options: ReadOptions, made: (all: Buffer) => T): Promise<T> {
    const limit = options.limit ?? FILE_BYTES
    const scratch = this.#scratch.pop() ?? Buffer.allocUnsafeSlow(FILE_BYTES)
    const fd = await open(bytePath(this.root, path), 'r').catch((thrown) => {
      this.#scratch.push(scratch)
      throw thrown
    })
    try {
      const full: Buffer[] = []
      let taken = 0
      let filled = 0
      for (;;) {
        // Asks for a byte more than it keeps, to know whether there was more.
        const room = Math.min(scratch.length - filled, limit + 1 - taken)
        const { bytesRead } = await read(fd, scratch, filled, room, null)
        filled += bytesRead
        taken += bytesRead
        if (bytesRead === 0 || taken > limit || (options.once && bytesRead < room)) break
        if (filled === scratch.length) {
          full.push(Buffer.from(scratch))
          filled = 0
        }
      }
      const last = scratch.subarray(0, filled)
      const all = full.length === 0 ? last : Buffer.concat([...full, last])
      if (taken > limit && !options.head) this.ledger.lost(path, `cut after ${limit} bytes`, options)
      return made(all.subarray(0, limit))
    } finally {
      this.#scratch.push(scratch)
      fs.close(fd, () => {})
    }
  }

  readonly #giveUp = () => {
    for (const reject of this.#waiting) reject(this.signal.reason)
  }
}

class Hung extends Error {}
