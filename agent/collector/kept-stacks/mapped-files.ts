import { constants } from 'node:fs'
import { join } from 'node:path'
import { withinOwn } from '../../words/own-time.ts'
import type { Mapping } from '../host/mappings.ts'
import { type OwnedFile, openOwned } from '../host/owned-file.ts'
import { numberOf } from '../host/process-files.ts'
import { readNow } from '../host/read-now.ts'
import type { Image, ReadBytes } from '../unwind/image.ts'
import { Damaged } from '../unwind/image.ts'
import type { Images, OpenedFile } from '../unwind/images.ts'
import type { MappedFile } from '../unwind/modules.ts'
import { DEBUG_DIRECTORY, debugPath } from '../unwind/names/debug-file.ts'
import type { MoreNames } from '../unwind/names/names.ts'

const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW, O_DIRECTORY } = constants

/** Files that are open at once: programs and libraries of a busy host, each once, with room for the rest in what a unit may have open. */
const MOST_FILES = 512
/** ms, of which we were run, to open all files of one process, and for one read of a file: it may lie on a file system that hangs. */
const OPEN_MS = 250
const READ_MS = 1_000

/** Where the files and the names of one process are to be had when it is gone. */
export interface ProcessFiles extends MoreNames {
  readonly fileOf: (mapping: MappedFile) => OpenedFile | undefined
  /** Programs and libraries of it that are not at hand. */
  readonly unopened: number
}

/** What is opened by one process's life, and closed together. */
interface Opened extends OpenedFile {
  readonly file: OwnedFile
}

/** Files that processes have mapped, each opened once while one of them lives, for reading later. */
export class MappedFiles implements Disposable {
  readonly #root: string
  readonly #most: number
  readonly #images: Images
  /** By device and inode; undefined: it cannot be opened. */
  readonly #files = new Map<string, Opened | undefined>()
  readonly #others: OwnedFile[] = []

  constructor(root: string, images: Images, most = MOST_FILES) {
    this.#root = root
    this.#most = most
    this.#images = images
  }

  /** Opens what this process runs, as far as that can be had in time. Throws nothing but the signal's reason. */
  async of(pid: number, mappings: readonly Mapping[], signal: AbortSignal): Promise<ProcessFiles> {
    using limit = withinOwn(OPEN_MS, signal)
    const code = mappings.filter(({ permissions, path }) => permissions[2] === 'x' && !path.startsWith('/dev/'))
    for (const mapping of code) if (mapping.inode !== 0) await this.#open(pid, mapping, limit.signal)
    signal.throwIfAborted()
    const keys = new Map(code.map((mapping) => [mapping.start, keyOf(mapping)]))
    const debug = await this.#debugDirectory(pid, limit.signal)
    const writesCode = code.some(({ inode, path }) => inode === 0 && !path.startsWith('['))
    const perfMap = writesCode ? await this.#perfMap(pid, limit.signal) : undefined
    signal.throwIfAborted()
    const byName = new Map(
      mappings.filter(({ inode }) => inode !== 0).map((mapping) => [mapping.start, keyOf(mapping)]),
    )
    const own = new Set(code.filter(({ inode }) => inode !== 0).map(keyOf))
    return {
      unopened: [...own].filter((key) => this.#files.get(key) === undefined).length,
      fileOf: ({ start }) => this.#files.get(keys.get(start) ?? byName.get(start) ?? ''),
      debugImage: async (buildId, of) => debug && (await this.#debugImage(debug, buildId, of)),
      ...(perfMap !== undefined && { perfMap: readOf(perfMap) }),
    }
  }

  [Symbol.dispose](): void {
    for (const opened of this.#files.values()) opened?.file[Symbol.dispose]()
    for (const file of this.#others) file[Symbol.dispose]()
    this.#files.clear()
    this.#others.length = 0
  }

  /** The very file, be it deleted or in another mount namespace: proc_pid_map_files(5). That takes CAP_SYS_ADMIN; else by its name. */
  async #open(pid: number, mapping: Mapping, signal: AbortSignal): Promise<void> {
    const key = keyOf(mapping)
    if (this.#files.has(key) || this.#files.size >= this.#most) return
    this.#files.set(key, undefined)
    const { start, end, inode, path } = mapping
    const of = (...rest: readonly string[]) => join(this.#root, 'proc', String(pid), ...rest)
    const link = of('map_files', `${start.toString(16)}-${end.toString(16)}`)
    const named = Buffer.concat([Buffer.from(of('root')), Buffer.from(path, 'latin1')])
    const file = (await regular(link, 0, signal)) ?? (await regular(named, O_NOFOLLOW, signal, inode))
    if (file !== undefined) this.#files.set(key, { key, file, read: readOf(file) })
  }

  async #debugDirectory(pid: number, signal: AbortSignal): Promise<OwnedFile | undefined> {
    const path = join(this.#root, 'proc', String(pid), 'root', DEBUG_DIRECTORY)
    const file = await openOwned(path, O_RDONLY | O_DIRECTORY, signal).catch(() => undefined)
    if (file === undefined) return undefined
    const { dev, ino } = await file.stat(signal).catch(() => ({ dev: 0, ino: 0 }))
    const key = `${DEBUG_DIRECTORY} ${dev} ${ino}`
    const known = this.#files.get(key)
    if (known !== undefined || this.#files.size >= this.#most) file[Symbol.dispose]()
    else this.#files.set(key, { key, file, read: NOTHING })
    return this.#files.get(key)?.file
  }

  /** A debug file says of which build it is; what another one says is not asked. */
  async #debugImage(directory: OwnedFile, buildId: string, signal: AbortSignal): Promise<Image | undefined> {
    const path = debugPath(buildId)
    if (path === undefined) return undefined
    const key = `${directory.fd} ${path}`
    if (!this.#files.has(key) && this.#files.size < this.#most) {
      const file = await regular(`/proc/self/fd/${directory.fd}/${path}`, 0, signal)
      this.#files.set(key, file && { key, file, read: readOf(file) })
    }
    const opened = this.#files.get(key)
    if (opened === undefined) return undefined
    try {
      const image = await this.#images.of(opened, `/${DEBUG_DIRECTORY}/${path}`, signal)
      return image?.buildId === buildId ? image : undefined
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof Damaged) return undefined
      throw error
    }
  }

  /** As its own user wrote it, or root: perf(1) believes nobody else either. */
  async #perfMap(pid: number, signal: AbortSignal): Promise<OwnedFile | undefined> {
    const status = readNow(this.#root, `proc/${pid}/status`)
    const inside = /^NSpid:.*?(\d+)$/m.exec(status ?? '')?.[1] ?? pid
    const path = join(this.#root, 'proc', String(pid), 'root', 'tmp', `perf-${inside}.map`)
    const file = await regular(path, O_NOFOLLOW, signal)
    if (file === undefined) return undefined
    this.#others.push(file)
    const uid = await file.stat(signal).then(
      ({ uid }) => uid,
      () => undefined,
    )
    return uid === 0 || uid === numberOf(status, 'Uid') ? file : undefined
  }
}

const NOTHING: ReadBytes = async () => Buffer.alloc(0)

const keyOf = ({ device, inode }: Pick<Mapping, 'device' | 'inode'>) => `${device} ${inode}`

/** A regular file, of this inode where one is named; undefined where it cannot be had. */
async function regular(path: string | Buffer, flags: number, signal: AbortSignal, inode?: number) {
  const file = await openOwned(path, O_RDONLY | O_NONBLOCK | flags, signal).catch(() => undefined)
  const stats = await file?.stat(signal).catch(() => undefined)
  if (stats?.isFile() && (inode === undefined || stats.ino === inode)) return file
  file?.[Symbol.dispose]()
  return undefined
}

/** Reads a file in time. One that has hung once is not asked again. */
export function readOf(file: OwnedFile): ReadBytes {
  let hung: Error | undefined
  return async (at, length, signal) => {
    if (hung !== undefined) throw hung
    using limit = withinOwn(READ_MS, signal)
    try {
      return await file.bytesAt(at, length, limit.signal)
    } catch (error) {
      signal.throwIfAborted()
      if (limit.signal.aborted) hung = new Error(`it does not answer within ${READ_MS} ms`)
      throw hung ?? error
    }
  }
}
