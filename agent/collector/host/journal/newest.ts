import type { OwnedFile } from '../owned-file.ts'
import type { Entry } from './entries.ts'
import { JournalObjects } from './objects.ts'

/**
 * The newest entries of an open journal file, newest first, at most `most` of them and none from before `since` (ms since the epoch): with those of
 * these fields that are short. Throws where the file is damaged or of an old kind.
 */
export async function* newestEntries(
  handle: OwnedFile,
  fields: readonly string[],
  most: number,
  since: number,
  signal: AbortSignal,
): AsyncGenerator<Entry, void, void> {
  const objects = await JournalObjects.of(handle, signal)
  // Entries share what they have in common: the text of each value that is wanted, and nothing of the others.
  const known = new Map<number, string | undefined>()
  const textOf = async (item: number) => {
    if (known.has(item)) return known.get(item)
    const { text = '' } = await objects.value(item)
    const wanted = fields.some((name) => text.startsWith(`${name}=`)) ? text : undefined
    known.set(item, wanted)
    return wanted
  }
  for (const at of (await objects.newest(most)).toReversed()) {
    const stamp = await objects.stampOf(at)
    if (stamp.at < since) return
    const found = new Map<string, string>()
    for (const item of await objects.itemsOf(at)) {
      const text = await textOf(item)
      if (text === undefined) continue
      const name = text.slice(0, text.indexOf('='))
      found.set(name, text.slice(name.length + 1))
    }
    yield { fields: found, ...stamp }
  }
}
