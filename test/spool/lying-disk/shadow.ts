import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** What a process has done to files below a directory; paths are relative to it. */
export type Event =
  | { readonly do: 'mkdir' | 'create' | 'remove' | 'removeAll' | 'syncDirectory' | 'sync'; readonly path: string }
  | { readonly do: 'link'; readonly path: string; readonly to: string }
  | { readonly do: 'write'; readonly path: string; readonly at: number | 'end'; readonly bytes: Buffer }
  | { readonly do: 'truncate'; readonly path: string; readonly length: number }
  /** Something that the disk does not know of. */
  | { readonly do: 'tell'; readonly what: string; readonly bytes?: Buffer }

interface File {
  readonly is: 'file'
  /** As whoever reads it sees it, and as a power cut is sure to leave it. */
  now: Buffer
  synced: Buffer
}
interface Directory {
  readonly is: 'directory'
  now: Map<string, Node>
  synced: Map<string, Node>
}
type Node = File | Directory

/** Bytes that a disk writes, or does not write, as one. */
const BLOCK = 4096

/**
 * A file system that keeps of what was not synced as much as it likes: of each name that was made or removed since its directory was synced, and of each
 * block of a file that was written since the file was. fsync(2) of a file says nothing of its name.
 */
export class Shadow {
  readonly #root: Directory = { is: 'directory', now: new Map(), synced: new Map() }

  /** As it lies in a directory, all of it synced. */
  static of(directory: string): Shadow {
    const shadow = new Shadow()
    load(directory, shadow.#root)
    return shadow
  }

  apply(event: Event): void {
    if (event.do === 'tell') return
    const name = basename(event.path)
    switch (event.do) {
      case 'mkdir':
        this.#above(event.path).now.set(name, { is: 'directory', now: new Map(), synced: new Map() })
        break
      case 'create':
        this.#above(event.path).now.set(name, { is: 'file', now: Buffer.alloc(0), synced: Buffer.alloc(0) })
        break
      case 'link':
        this.#above(event.to).now.set(basename(event.to), this.#file(event.path))
        break
      case 'remove':
      case 'removeAll':
        this.#above(event.path).now.delete(name)
        break
      case 'write': {
        const file = this.#file(event.path)
        const at = event.at === 'end' ? file.now.length : event.at
        const now = Buffer.alloc(Math.max(file.now.length, at + event.bytes.length))
        file.now.copy(now)
        event.bytes.copy(now, at)
        file.now = now
        break
      }
      case 'truncate': {
        const file = this.#file(event.path)
        const now = Buffer.alloc(event.length)
        file.now.copy(now)
        file.now = now
        break
      }
      case 'sync': {
        const file = this.#file(event.path)
        file.synced = file.now
        break
      }
      case 'syncDirectory': {
        const directory = this.#at(event.path)
        if (directory?.is === 'directory') directory.synced = new Map(directory.now)
      }
    }
  }

  /** Puts what a power cut leaves into an empty directory. `chance` gives 0 to 1. */
  leave(directory: string, chance: () => number): void {
    put(this.#root, directory, new Map())

    function put(node: Directory, path: string, files: Map<File, Buffer>): void {
      for (const name of new Set([...node.synced.keys(), ...node.now.keys()])) {
        const [synced, now] = [node.synced.get(name), node.now.get(name)]
        const one = synced === now || chance() < 0.5 ? now : synced
        if (one === undefined) continue
        const at = join(path, name)
        if (one.is === 'directory') {
          mkdirSync(at)
          put(one, at, files)
        } else {
          const content = files.get(one) ?? torn(one, chance)
          files.set(one, content)
          writeFileSync(at, content)
        }
      }
    }
  }

  #above(path: string): Directory {
    const above = this.#at(dirname(path))
    if (above?.is !== 'directory') throw new Error(`nobody has made the directory of ${path}`)
    return above
  }

  #file(path: string): File {
    const file = this.#at(path)
    if (file?.is !== 'file') throw new Error(`nobody has made ${path}`)
    return file
  }

  #at(path: string): Node | undefined {
    let node: Node | undefined = this.#root
    for (const name of path.split('/').filter((part) => part !== '' && part !== '.'))
      node = node?.is === 'directory' ? node.now.get(name) : undefined
    return node
  }
}

/** As much of what was not synced as the disk likes: its length, and each block. */
function torn({ now, synced }: File, chance: () => number): Buffer {
  if (now.equals(synced)) return now
  const length = chance() < 0.5 ? now.length : chance() < 0.5 ? synced.length : Math.floor(chance() * now.length)
  const left = Buffer.alloc(length)
  for (let at = 0; at < length; at += BLOCK) {
    const from = chance() < 0.5 ? now : synced
    if (at < from.length) from.copy(left, at, at, Math.min(at + BLOCK, length))
  }
  return left
}

function load(path: string, node: Directory): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const at = join(path, entry.name)
    if (entry.isDirectory()) {
      const below: Directory = { is: 'directory', now: new Map(), synced: new Map() }
      node.now.set(entry.name, below)
      load(at, below)
    } else {
      const content = readFileSync(at)
      node.now.set(entry.name, { is: 'file', now: content, synced: content })
    }
  }
  node.synced = new Map(node.now)
}
