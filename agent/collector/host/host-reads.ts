import * as fs from 'node:fs'
import { promisify } from 'node:util'
import { bytePath, shownName } from '../../words/host-name.ts'
import { OwnTime } from '../../words/own-time.ts'
import { isAbsent } from './absent.ts'
import { Hung, HungReads } from './hung-reads.ts'
import { kindOf, type Ledger } from './ledger.ts'
import { type ContentOptions, FILE_BYTES, SmallFiles } from './small-files.ts'

/** From here on user ids are people's: login.defs(5), UID_MIN. */
const FIRST_PERSON = 1000
/** Names taken of one directory: as many descriptors as a process usually may have. */
const NAMES = 65_536

const opendir = promisify(fs.opendir)
const readlink = promisify(fs.readlink)
const stat = promisify(fs.stat)
const lstat = promisify(fs.lstat)

export interface ReadOptions extends ContentOptions {
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
  readonly #files = new SmallFiles()
  readonly #hung = new HungReads(this.time)

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
    if (!this.#hung.isTried(kind)) {
      this.ledger.lost(path, 'not tried, because reads before it hung', options)
      return undefined
    }
    try {
      return await this.#hung.inTime(kind, work)
    } catch (thrown) {
      if (this.over()) return undefined
      if (thrown instanceof Hung) this.ledger.lost(path, thrown, options)
      else if (!(options.optional && isAbsent(thrown))) this.ledger.note(path, thrown)
      return undefined
    }
  }

  async #content<T>(path: string, options: ReadOptions, made: (content: Buffer) => T): Promise<T> {
    const { content, isCut } = await this.#files.read(bytePath(this.root, path), options, made)
    if (isCut && !options.head) this.ledger.lost(path, `cut after ${options.limit ?? FILE_BYTES} bytes`, options)
    return content
  }

  readonly #giveUp = () => this.#hung.giveUp(this.signal.reason)
}
