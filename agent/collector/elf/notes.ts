import type { Numbers } from './numbers.ts'

/** Types of notes of a core: Linux include/uapi/linux/elf.h. */
export const NT_PRSTATUS = 1
export const NT_PRPSINFO = 3
export const NT_FILE = 0x46494c45

/** Bytes of a note before its name: elf(5), Nhdr. */
const NOTE_HEADER = 12

/** A note: who named its type, and what it says. */
export interface Note {
  readonly owner: string
  readonly type: number
  readonly content: Buffer
  /** Whether all of the content is there. */
  readonly isWhole: boolean
}

/** One note as bytes, 64-bit little-endian: what stands one after the other in a segment of notes. */
export function writeNote(owner: string, type: number, content: Buffer): Buffer {
  const contentAt = NOTE_HEADER + padded(owner.length + 1)
  const note = Buffer.alloc(contentAt + padded(content.length))
  note.writeUInt32LE(owner.length + 1, 0)
  note.writeUInt32LE(content.length, 4)
  note.writeUInt32LE(type, 8)
  note.write(owner, NOTE_HEADER, 'latin1')
  content.copy(note, contentAt)
  return note
}

/** The notes of a segment, the last one as far as it is there. */
export function* notesIn(segment: Buffer, { word }: Pick<Numbers, 'word'>): Generator<Note, void, void> {
  for (let at = 0; at + NOTE_HEADER <= segment.length; ) {
    const [ownerBytes, bytes, type] = [word(segment, at), word(segment, at + 4), word(segment, at + 8)]
    const nameAt = at + NOTE_HEADER
    const from = nameAt + padded(ownerBytes)
    const owner = segment.toString('latin1', nameAt, nameAt + ownerBytes).replace(/\0$/, '')
    const content = segment.subarray(from, from + bytes)
    yield { owner, type, content, isWhole: content.length === bytes }
    at = from + padded(bytes)
  }
}

/** Names and contents stand at multiples of 4. */
const padded = (bytes: number) => Math.ceil(bytes / 4) * 4
