import { z } from 'zod'
import { cannot } from '../cannot.ts'
import type { Archive } from '../store/store.ts'

/**
 * Largest manifest that is read, in bytes. A receipt takes some 600 bytes and a capture has a few hundred of them;
 * this holds 100,000, and protects from an object that is no manifest at all.
 */
export const DOCUMENT_BYTES = 64 * 1024 * 1024

/** Reads an object of JSON and checks its form. Foreign input: an error names the key and the place in it. */
export async function readDocument<T>(
  archive: Archive,
  key: string,
  schema: z.core.$ZodType<T>,
  signal: AbortSignal,
): Promise<T> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await readBytes(archive, key, signal))
    const result = z.safeParse(schema, JSON.parse(text))
    if (result.success) return result.data
    throw new Error(
      result.error.issues
        .slice(0, 3)
        .map(({ path, message }) => (path.length === 0 ? message : `${z.core.toDotPath(path)}: ${message}`))
        .join('; '),
    )
  } catch (error) {
    signal.throwIfAborted()
    throw cannot(`read ${key} of ${archive.url}`, error)
  }
}

/** An object's content, which must be no larger than a document may be. */
export async function readBytes(archive: Archive, key: string, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of await archive.read(key, 0, signal)) {
    bytes += chunk.length
    if (bytes > DOCUMENT_BYTES) throw new Error(`it is larger than ${DOCUMENT_BYTES} bytes, and so no manifest`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
