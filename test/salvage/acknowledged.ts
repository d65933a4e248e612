import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { directoryUploads } from '../../agent/store/directory/uploads.ts'
import { PART_BYTES } from '../../agent/store/part-bytes.ts'
import { type Archive, StoreError } from '../../agent/store/store.ts'
import type { Recorded } from '../policy/recording-proxy.ts'

/** A part that the store has acknowledged. */
export interface Acknowledged {
  readonly key: string
  readonly number: number
  readonly bytes: number
  readonly sha256: string
}

/** The parts that a bucket's server has acknowledged, by what a proxy before it has seen. `below`: bucket and prefix of the store. */
export function acknowledgedIn(recorded: readonly Recorded[], below: string): Acknowledged[] {
  const parts = new Map<string, Acknowledged>()
  for (const { method, url, status, bytes, sha256 } of recorded) {
    const { pathname, searchParams } = new URL(url, 'http://server')
    const number = Number(searchParams.get('partNumber'))
    const path = decodeURIComponent(pathname)
    if (method !== 'PUT' || status !== 200 || number === 0 || !path.startsWith(`/${below}/`)) continue
    const key = path.slice(below.length + 2)
    parts.set(`${key}?${number}`, { key, number, bytes, sha256 })
  }
  return [...parts.values()]
}

/** The parts that lie in unfinished uploads of a directory. */
export async function lyingIn(root: string, signal: AbortSignal): Promise<Acknowledged[]> {
  const uploads = directoryUploads(root)
  const all: Acknowledged[] = []
  for await (const upload of uploads.list('v1/', signal)) {
    await using file = await open(join(root, '.uploads', upload.id, 'data'))
    for (const { number, bytes } of await uploads.parts(upload, signal)) {
      const { buffer } = await file.read(Buffer.alloc(bytes), 0, bytes, (number - 1) * PART_BYTES)
      all.push({ key: upload.key, number, bytes, sha256: createHash('sha256').update(buffer).digest('hex') })
    }
  }
  return all
}

/** How many of these bytes are in the objects of a store, each part at its place. */
export async function recovered(
  archive: Archive,
  parts: readonly Acknowledged[],
  signal: AbortSignal,
): Promise<number> {
  let bytes = 0
  for (const part of parts) if ((await sumAt(archive, part, signal)) === part.sha256) bytes += part.bytes
  return bytes
}

async function sumAt(archive: Archive, { key, number, bytes }: Acknowledged, signal: AbortSignal): Promise<string> {
  const sum = createHash('sha256')
  let left = bytes
  try {
    for await (const chunk of await archive.read(key, (number - 1) * PART_BYTES, signal)) {
      sum.update(chunk.subarray(0, left))
      left -= Math.min(left, chunk.length)
      if (left === 0) break
    }
  } catch (error) {
    if (!(error instanceof StoreError && error.failure === 'missing')) throw error
  }
  return sum.digest('hex')
}
