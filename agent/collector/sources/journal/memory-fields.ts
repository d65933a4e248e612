import type { FileHandle } from 'node:fs/promises'
import { abandonable } from '../../../deadline.ts'
import { KEYED_HASH, onward, word } from './entries.ts'
import { siphash24 } from './siphash.ts'

/**
 * What systemd-coredump logs of the memory of what crashed (systemd-coredump(8), coredump.conf(5)): its environment and, with
 * Storage=journal, the core itself.
 */
const MEMORY_FIELDS = ['COREDUMP_ENVIRON', 'COREDUMP']

/** All incompatible flags of systemd 260: XZ, LZ4, keyed hash, zstd, compact. Of a format to come nothing is known. */
const KNOWN_FLAGS = 0x1f
const FIELD_OBJECT = 2
const FIELD_HEADER = 40
/** Fields in one bucket of the hash table (1023 by default) that are looked at: of a file with more, one cannot say. */
const MOST_IN_BUCKET = 1000

/**
 * Whether an open journal file holds, or may hold, memory of a process that crashed: looked up by its table of fields, in a
 * handful of small reads (https://systemd.io/JOURNAL_FILE_FORMAT, "Field Objects"). True as well for a file that cannot be
 * looked into: a damaged one, or one from before the keyed hashes of systemd 246. Never throws.
 */
export async function holdsMemory(handle: FileHandle, signal: AbortSignal): Promise<boolean> {
  try {
    for (const name of MEMORY_FIELDS) if (await hasField(handle, name, signal)) return true
    return false
  } catch {
    return true
  }
}

/** Whether any entry of an open journal file has this field. Throws where the file does not tell. */
export async function hasField(handle: FileHandle, name: string, signal: AbortSignal): Promise<boolean> {
  const read = async (at: number, length: number) => {
    const buffer = Buffer.alloc(length)
    const { bytesRead } = await abandonable(handle.read(buffer, 0, length, at), signal)
    return buffer.subarray(0, bytesRead)
  }
  const header = await read(0, 136)
  const flags = header.readUInt32LE(12)
  if ((flags & KEYED_HASH) === 0 || (flags & ~KNOWN_FLAGS) !== 0) throw new Error(`unknown hashes: flags ${flags}`)
  const wanted = Buffer.from(name)
  const hash = siphash24(wanted, header.subarray(24, 40))
  const buckets = header.readBigUInt64LE(128) / 16n
  if (buckets === 0n) throw new Error('the journal file has no table of fields')
  const bucket = await read(word(header, 120) + Number(hash % buckets) * 16, 8)
  let looked = 0
  for (let at = word(bucket, 0); at !== 0; ) {
    const object = await read(at, FIELD_HEADER + wanted.length)
    if (object[0] !== FIELD_OBJECT || ++looked > MOST_IN_BUCKET) throw new Error(`no field is at ${at}`)
    const isNamed = word(object, 8) === FIELD_HEADER + wanted.length && object.subarray(FIELD_HEADER).equals(wanted)
    if (isNamed) return true
    at = onward(at, word(object, 24))
  }
  return false
}
