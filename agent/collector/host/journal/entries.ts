import type { OwnedFile } from '../owned-file.ts'
import { coredumpUnits } from './coredump-words.ts'
import { JournalObjects, type Value } from './objects.ts'

/** What an entry says: a value for each field that was asked for, is there and is short; and what journald says of the entry. */
export interface Entry {
  readonly fields: ReadonlyMap<string, string>
  /** ms since the epoch, by the clock of then */
  readonly at: number
  /** The boot in which it was written, 32 hex digits. */
  readonly bootId: string
}

/**
 * The newest entries that systemd-coredump itself has logged into an open journal file with exactly this field (`MESSAGE_ID=…`),
 * at most `most` of them, newest first, each with those of its `fields` that are no longer than `longest` bytes, or short where that is not
 * said. Throws where the file is damaged or of an old kind.
 */
export async function* coredumpEntries(
  handle: OwnedFile,
  field: string,
  fields: readonly string[],
  most: number,
  signal: AbortSignal,
  longest = 0,
): AsyncGenerator<Entry, void, void> {
  const objects = await JournalObjects.of(handle, signal)
  const wanted = await objects.find(field)
  if (wanted === undefined) return
  let left = most
  for await (const unit of coredumpUnits(objects)) {
    for (const at of await newestOf(objects, unit)) {
      const items = await objects.itemsOf(at)
      if (!items.includes(wanted.at)) continue
      yield await entryOf(objects, at, items, fields, longest)
      if (--left === 0) return
    }
  }
}

/**
 * The newest entries that have all of these fields (`NAME=value`), likewise. Anybody may send a field but for those that begin with `_`:
 * they are journald's word on the sender (systemd.journal-fields(7)).
 */
export async function* entriesWith(
  handle: OwnedFile,
  values: readonly string[],
  fields: readonly string[],
  most: number,
  signal: AbortSignal,
): AsyncGenerator<Entry, void, void> {
  const objects = await JournalObjects.of(handle, signal)
  const wanted: Value[] = []
  for (const value of values) {
    const found = await objects.find(value)
    if (found === undefined) return
    wanted.push(found)
  }
  const [rarest] = wanted.toSorted((a, b) => a.entries - b.entries)
  let left = most
  for (const at of rarest === undefined ? [] : await newestOf(objects, rarest)) {
    const items = await objects.itemsOf(at)
    if (!wanted.every((value) => items.includes(value.at))) continue
    yield await entryOf(objects, at, items, fields)
    if (--left === 0) return
  }
}

const newestOf = async (objects: JournalObjects, value: Value): Promise<readonly number[]> =>
  (await Array.fromAsync(objects.entriesOf(value))).flat().reverse()

async function entryOf(
  objects: JournalObjects,
  at: number,
  items: readonly number[],
  names: readonly string[],
  longest = 0,
): Promise<Entry> {
  const fields = new Map<string, string>()
  for (const item of items) {
    const found = await objects.value(item)
    const text = found.text ?? (await objects.longText(found, longest))
    const [, name, value] = /^([A-Z_]+)=(.*)$/s.exec(text ?? '') ?? []
    if (name !== undefined && value !== undefined && names.includes(name)) fields.set(name, value)
  }
  return { fields, ...(await objects.stampOf(at)) }
}
