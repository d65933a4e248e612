import { Cursor, OMITTED } from './cursor.ts'
import { Damaged } from './image.ts'

/** Common Information Entry: what the functions of an object file share. LSB core, "Exception Frames". */
export interface CommonEntry {
  readonly codeAlign: number
  readonly dataAlign: number
  /** The register that the return address is in. */
  readonly returnRegister: number
  /** How pointers of the functions are encoded. */
  readonly pointers: number
  /** Whether functions have augmentation data. */
  readonly augmented: boolean
  /** Whether they are where a signal handler returns to. */
  readonly isSignal: boolean
  readonly instructions: Instructions
}

/** Frame Description Entry: a function, and how its frame changes on the way through it. Addresses are the file's own. */
export interface FunctionEntry {
  readonly common: CommonEntry
  readonly start: number
  readonly end: number
  readonly instructions: Instructions
}

/** Call frame instructions, and where they lie. */
export interface Instructions {
  readonly bytes: Buffer
  readonly address: number
}

/** Most bytes of an entry: functions of 100,000 lines have some ten KiB. */
const MOST_BYTES = 64 * 1024
/** Bytes of the length of an entry in the 64-bit format, and of that in the 32-bit one, which says so. */
const WIDE = 0xffffffff
const [NARROW_HEAD, WIDE_HEAD] = [4, 12]

/** Where an entry lies, without its length: the file's own addresses. */
export interface EntryPlace {
  readonly start: number
  readonly end: number
}

/** Bytes that are enough for the length of an entry. */
export const LENGTH_BYTES = WIDE_HEAD

/** Where the entry at `address` lies whose length begins with these bytes (less than LENGTH_BYTES where the file ends); undefined: the end of all entries. */
export function entryPlace(bytes: Buffer, address: number): EntryPlace | undefined {
  const cursor = new Cursor(bytes, address)
  const narrow = cursor.u32()
  if (narrow === 0) return undefined
  const length = narrow === WIDE ? Number(cursor.u64()) : narrow
  if (length > MOST_BYTES) throw new Damaged(`call frame information has an entry of ${length} bytes`)
  const start = address + (narrow === WIDE ? WIDE_HEAD : NARROW_HEAD)
  return { start, end: start + length }
}

/** The address of the common entry of the function whose entry these bytes are, from behind its length on; undefined where they are a common entry. */
export function commonOf(bytes: Buffer, { start }: EntryPlace): number | undefined {
  const distance = new Cursor(bytes).u32()
  return distance === 0 ? undefined : start - distance
}

/** Reads a common entry, from behind its length on. */
export function readCommonEntry(bytes: Buffer, { start }: EntryPlace): CommonEntry {
  const cursor = new Cursor(bytes, start)
  if (cursor.u32() !== 0) throw new Damaged('a function of call frame information names no common entry')
  const version = cursor.u8()
  if (version !== 1 && version !== 3 && version !== 4) {
    throw new Damaged(`call frame information is of an unknown version, ${version}`)
  }
  const augmentation = cursor.text()
  if (version === 4) cursor.take(2)
  const codeAlign = cursor.uleb()
  const dataAlign = cursor.sleb()
  const returnRegister = version === 1 ? cursor.u8() : cursor.uleb()
  const augmented = augmentation.startsWith('z')
  if (!augmented && augmentation !== '') throw new Damaged('call frame information is augmented in an unknown way')
  const data = augmented ? new Cursor(cursor.take(cursor.uleb())) : undefined
  let pointers = 0
  let isSignal = false
  for (const letter of data === undefined ? '' : augmentation.slice(1)) {
    if (letter === 'R') pointers = (data as Cursor).u8()
    else if (letter === 'P') skipPointer(data as Cursor)
    else if (letter === 'L') (data as Cursor).u8()
    else if (letter === 'S') isSignal = true
    // What is unknown may have data, so that nothing is known of the letters behind it: but how much data there are in all is.
    else if (letter !== 'B' && letter !== 'G') break
  }
  const instructions = { address: cursor.address, bytes: cursor.take(cursor.left) }
  return { codeAlign, dataAlign, returnRegister, pointers, augmented, isSignal, instructions }
}

function skipPointer(data: Cursor): void {
  const encoding = data.u8()
  if (encoding !== OMITTED) data.value(encoding)
}

/** Reads the entry of a function, from behind its length on. */
export function readFunctionEntry(bytes: Buffer, { start }: EntryPlace, common: CommonEntry): FunctionEntry {
  const cursor = new Cursor(bytes, start)
  cursor.u32()
  const from = cursor.pointer(common.pointers)
  const end = from + cursor.value(common.pointers)
  if (common.augmented) cursor.take(cursor.uleb())
  return { common, start: from, end, instructions: { address: cursor.address, bytes: cursor.take(cursor.left) } }
}
