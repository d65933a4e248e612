import { closeSync, openSync, readSync } from 'node:fs'
import { readCoreProcess } from '../../../agent/collector/unwind/core-process.ts'
import type { Unwound } from '../../../agent/collector/unwind/frame.ts'
import { heldMemory } from '../../../agent/collector/unwind/held-memory.ts'
import type { ReadBytes } from '../../../agent/collector/unwind/image.ts'
import { Images, type OpenedFile } from '../../../agent/collector/unwind/images.ts'
import { ModuleMap } from '../../../agent/collector/unwind/module-map.ts'
import type { MappedFile } from '../../../agent/collector/unwind/modules.ts'
import { Unwinder } from '../../../agent/collector/unwind/unwind.ts'

export const never = new AbortController().signal

/** The threads of a core by their ids, unwound with the files that `fileOf` gives. */
export async function unwindCore(
  core: Buffer,
  fileOf: (mapping: MappedFile) => OpenedFile | undefined,
  images = new Images(),
  unwinder = new Unwinder(),
): Promise<Map<number, Unwound>> {
  const process = await readCoreProcess(async (at, length) => core.subarray(at, at + length))
  if (process === undefined) throw new Error('no core')
  const { arch, threads, mappings } = process
  const pieces = process.memory.map(({ start, stored, offset }) => ({
    start,
    bytes: core.subarray(offset, offset + stored),
  }))
  const memory = heldMemory(pieces)
  const modules = new ModuleMap({ mappings, isAll: false, fileOf, memory }, images)
  const unwound = new Map<number, Unwound>()
  for (const thread of threads) unwound.set(thread.tid, await unwinder.unwind({ arch, memory, modules }, thread, never))
  return unwound
}

/** Opens files by their paths, until the test has ended. */
export function filesAt(
  t: { teardown(then: () => void): void },
  reach: (mapping: MappedFile) => string,
): (mapping: MappedFile) => OpenedFile | undefined {
  const opened = new Map<string, OpenedFile | undefined>()
  return (mapping) => {
    if (!opened.has(mapping.path)) opened.set(mapping.path, open(t, reach(mapping), mapping.path))
    return opened.get(mapping.path)
  }
}

function open(t: { teardown(then: () => void): void }, path: string, key: string): OpenedFile | undefined {
  try {
    const file = openSync(path, 'r')
    t.teardown(() => closeSync(file))
    return { key, read: reads(file) }
  } catch {
    return undefined
  }
}

const reads =
  (file: number): ReadBytes =>
  async (at, length) => {
    const bytes = Buffer.alloc(length)
    return bytes.subarray(0, readSync(file, bytes, 0, length, at))
  }

/** A file whose content is at hand. */
export function fileOf(key: string, content: Buffer): OpenedFile {
  return { key, read: async (at, length) => content.subarray(at, at + length) }
}
