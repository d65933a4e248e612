import type { FileHandle } from 'node:fs/promises'
import { coredumpUnits } from './coredump-words.ts'
import { JournalObjects } from './objects.ts'

/** A field's name and value, for each field that was asked for and is there. */
export type Entry = ReadonlyMap<string, string>

/**
 * The newest entries that systemd-coredump itself has logged into an open journal file with exactly this field (`MESSAGE_ID=…`),
 * at most `most` of them, newest first, each with those of its `fields` that are short. Throws where the file is damaged or of an old kind.
 */
export async function* coredumpEntries(
  handle: FileHandle,
  field: string,
  fields: readonly string[],
  most: number,
  signal: AbortSignal,
): AsyncGenerator<Entry, void, void> {
  const objects = await JournalObjects.of(handle, signal)
  const wanted = await objects.find(field)
  if (wanted === undefined) return
  let left = most
  for await (const unit of coredumpUnits(objects)) {
    for (const at of (await Array.fromAsync(objects.entriesOf(unit))).flat().reverse()) {
      const items = await objects.itemsOf(at)
      if (!items.includes(wanted.at)) continue
      yield await entryOf(objects, items, fields)
      if (--left === 0) return
    }
  }
}

async function entryOf(objects: JournalObjects, items: readonly number[], fields: readonly string[]): Promise<Entry> {
  const entry = new Map<string, string>()
  for (const item of items) {
    const { text } = await objects.value(item)
    const [, name, value] = /^([A-Z_]+)=(.*)$/s.exec(text ?? '') ?? []
    if (name !== undefined && value !== undefined && fields.includes(name)) entry.set(name, value)
  }
  return entry
}
