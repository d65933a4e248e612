import { existsSync } from 'node:fs'
import files, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { relative } from 'node:path'
import type { Event } from './shadow.ts'

let root = ''
let events: Event[] = []

/** From now on what this process does below a directory by `node:fs/promises` is written down, in the list that is given. */
export function recordBelow(directory: string): Event[] {
  root = directory
  events = []
  return events
}

/** What is told beside it, in its order. */
export function tell(what: string, bytes?: Buffer): void {
  events.push({ do: 'tell', what, ...(bytes !== undefined && { bytes }) })
}

const below = (path: unknown): string | undefined => {
  const inside = relative(root, String(path))
  return root === '' || inside.startsWith('..') ? undefined : inside
}

function note(event: Event): void {
  events.push(event)
}

/** Where a handle leads to, for those that are below. */
const opened = new WeakMap<FileHandle, { readonly path: string; readonly isAppending: boolean }>()

/** Has `node:fs/promises` tell of what the spool does by it. What fails has changed nothing. */
export async function tapFiles(): Promise<void> {
  const { open, mkdir, link, unlink, rm, rmdir, writeFile } = files
  await using any = await open('/dev/null')
  const handles = Object.getPrototypeOf(any) as FileHandle
  const { write, writeFile: writeAll, truncate } = handles

  Object.assign(files, {
    open: async (...args: Parameters<typeof open>) => {
      const path = below(args[0])
      const isNew = path !== undefined && !existsSync(args[0])
      const handle = await open(...args)
      if (path === undefined) return handle
      opened.set(handle, { path, isAppending: args[1] === 'a' })
      if (isNew) note({ do: 'create', path })
      return handle
    },
    mkdir: async (...args: Parameters<typeof mkdir>) => {
      const made = await mkdir(...args)
      const path = below(args[0])
      if (path !== undefined) note({ do: 'mkdir', path })
      return made
    },
    link: async (...args: Parameters<typeof link>) => {
      await link(...args)
      const [path, to] = args.map(below)
      if (path !== undefined && to !== undefined) note({ do: 'link', path, to })
    },
    writeFile: async (...args: Parameters<typeof writeFile>) => {
      const [to, data, options] = args
      const path = typeof to === 'string' ? below(to) : undefined
      await writeFile(...args)
      if (path === undefined) return
      note({ do: 'create', path })
      note({ do: 'write', path, at: 0, bytes: Buffer.from(String(data)) })
      if (typeof options === 'object' && options?.flush === true) note({ do: 'sync', path })
    },
    ...removing('remove', { unlink, rmdir }),
    ...removing('removeAll', { rm }),
  })
  const at = (handle: FileHandle) => opened.get(handle)
  Object.assign(handles, {
    async write(this: FileHandle, buffer: Buffer, from: number, length: number, position: number) {
      const written = await (write as typeof writeSome).call(this, buffer, from, length, position)
      const file = at(this)
      if (file !== undefined)
        note({ do: 'write', path: file.path, at: position, bytes: Buffer.from(buffer.subarray(from, from + length)) })
      return written
    },
    async writeFile(this: FileHandle, ...args: Parameters<typeof writeAll>) {
      await writeAll.apply(this, args)
      const file = at(this)
      const bytes = Buffer.isBuffer(args[0]) ? Buffer.from(args[0]) : Buffer.from(String(args[0]))
      if (file !== undefined) note({ do: 'write', path: file.path, at: file.isAppending ? 'end' : 0, bytes })
    },
    async truncate(this: FileHandle, length = 0) {
      await truncate.call(this, length)
      const file = at(this)
      if (file !== undefined) note({ do: 'truncate', path: file.path, length })
    },
    // The disk of the tests need not be waited for: what counts is what was asked of it.
    sync: synced,
    datasync: synced,
  })
  syncBuiltinESMExports()

  async function synced(this: FileHandle) {
    const file = at(this)
    if (file !== undefined) note({ do: (await this.stat()).isDirectory() ? 'syncDirectory' : 'sync', path: file.path })
  }
}

declare function writeSome(
  this: FileHandle,
  buffer: Buffer,
  from: number,
  length: number,
  position: number,
): Promise<{ bytesWritten: number }>

/** Functions that remove what their first argument names. */
function removing(what: 'remove' | 'removeAll', all: Readonly<Record<string, unknown>>) {
  return Object.fromEntries(
    Object.entries(all).map(([name, real]) => [
      name,
      async (...args: unknown[]) => {
        const wasThere = existsSync(String(args[0]))
        await (real as (...args: unknown[]) => Promise<void>)(...args)
        const path = below(args[0])
        if (path !== undefined && wasThere) note({ do: what, path })
      },
    ]),
  )
}
