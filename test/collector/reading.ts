import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Outcome } from '../../agent/collector/host/reading.ts'
import type { Found } from '../../agent/collector/sources/source.ts'
import { allTaken } from '../streams/poisoned.ts'

export const unhurried = (): AbortSignal => AbortSignal.timeout(60_000)

/** Reads an item to its end, as the collector does. */
export async function readAll(found: Found | undefined, limit = Number.MAX_SAFE_INTEGER, signal = unhurried()) {
  return await readWhile(found, () => {}, limit, signal)
}

/** The same, while after each chunk, counted from 1, something happens on the host. */
export async function readWhile(
  found: Found | undefined,
  happens: (chunk: number) => void,
  limit = Number.MAX_SAFE_INTEGER,
  signal = unhurried(),
) {
  if (found === undefined) throw new Error('there is no such item')
  await using reading = await found.open(limit, signal)
  const chunks: Buffer[] = []
  for await (const chunk of allTaken(reading.chunks)) {
    chunks.push(chunk)
    happens(chunks.length)
  }
  return { content: Buffer.concat(chunks), outcome: reading.outcome() satisfies Outcome }
}

/** Puts an item's content where `fetch` would: at its path below `tree`. */
export async function restore(tree: string, found: Found) {
  const { content, outcome } = await readAll(found)
  const path = join(tree, found.identity.path ?? 'nowhere')
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  return { path, outcome }
}
