import { Damaged } from './image.ts'

/** Encodings of pointers, DW_EH_PE_*: LSB core, "DWARF Exception Header Encoding". The low half is the format, the high one what it adds to. */
export const OMITTED = 0xff
const INDIRECT = 0x80
const FORMAT = 0x0f
const BASE = 0x70
const PC_RELATIVE = 0x10
const DATA_RELATIVE = 0x30

/** Longest LEB128 of a 64-bit number. */
const LEB_BYTES = 10

/** Reads numbers of call frame information, one after the other; beyond the end it throws Damaged. */
export class Cursor {
  at = 0
  readonly #bytes: Buffer
  readonly #address: number

  /** `address`: where the first byte lies, in the file's own addresses. */
  constructor(bytes: Buffer, address = 0) {
    this.#bytes = bytes
    this.#address = address
  }

  get left(): number {
    return this.#bytes.length - this.at
  }

  /** Where the next byte lies, in the file's own addresses. */
  get address(): number {
    return this.#address + this.at
  }

  take(length: number): Buffer {
    if (!(length >= 0 && length <= this.left)) throw new Damaged('call frame information goes on beyond its end')
    this.at += length
    return this.#bytes.subarray(this.at - length, this.at)
  }

  u8 = () => this.take(1).readUInt8()
  u16 = () => this.take(2).readUInt16LE()
  u32 = () => this.take(4).readUInt32LE()
  u64 = () => this.take(8).readBigUInt64LE()
  i8 = () => this.take(1).readInt8()
  i16 = () => this.take(2).readInt16LE()
  i32 = () => this.take(4).readInt32LE()
  i64 = () => this.take(8).readBigInt64LE()

  /** LEB128, exact up to 64 bits. */
  uleb64(): bigint {
    return BigInt.asUintN(64, this.#leb().value)
  }

  sleb64(): bigint {
    const { value, bits } = this.#leb()
    return BigInt.asIntN(64, BigInt.asIntN(bits, value))
  }

  /** The same of what is a size, an offset or a register. Beyond 2^53 it throws Damaged. */
  uleb = () => small(this.uleb64())
  sleb = () => small(this.sleb64())

  #leb(): { value: bigint; bits: number } {
    let value = 0
    for (let bytes = 1; bytes <= 4; bytes += 1) {
      const byte = this.u8()
      value += (byte & 0x7f) * 2 ** (7 * (bytes - 1))
      if (byte < 0x80) return { value: BigInt(value), bits: 7 * bytes }
    }
    let wide = BigInt(value)
    for (let bytes = 5; bytes <= LEB_BYTES; bytes += 1) {
      const byte = this.u8()
      wide |= BigInt(byte & 0x7f) << BigInt(7 * (bytes - 1))
      if (byte < 0x80) return { value: wide, bits: 7 * bytes }
    }
    throw new Damaged('a number of call frame information has no end')
  }

  /** Text up to its zero byte. */
  text(): string {
    const end = this.#bytes.indexOf(0, this.at)
    if (end < 0) throw new Damaged('a text of call frame information has no end')
    const text = this.take(end - this.at).toString('latin1')
    this.at += 1
    return text
  }

  /**
   * A pointer in an encoding, as one of the file's own addresses. `data`: what data-relative ones add to. One that is in memory
   * (indirect) is none that a file can tell: only personality routines are.
   */
  pointer(encoding: number, data = 0): number {
    if (encoding & INDIRECT) throw new Damaged('call frame information is told by a pointer in memory')
    const base = encoding & BASE
    const from = base === PC_RELATIVE ? this.address : base === DATA_RELATIVE ? data : 0
    if (base !== 0 && base !== PC_RELATIVE && base !== DATA_RELATIVE) {
      throw new Damaged(`call frame information has pointers of an unknown encoding, ${encoding}`)
    }
    return from + this.value(encoding)
  }

  /** What stands there in the format of an encoding, without what it adds to. */
  value(encoding: number): number {
    switch (encoding & FORMAT) {
      case 0x00:
      case 0x04:
        return small(BigInt.asIntN(64, this.u64()))
      case 0x01:
        return this.uleb()
      case 0x02:
        return this.u16()
      case 0x03:
        return this.u32()
      case 0x09:
        return this.sleb()
      case 0x0a:
        return this.i16()
      case 0x0b:
        return this.i32()
      case 0x0c:
        return small(this.i64())
      default:
        throw new Damaged(`call frame information has numbers of an unknown encoding, ${encoding}`)
    }
  }
}

/** Bytes of a number in the format of an encoding; undefined where they differ. */
export function bytesOfFormat(encoding: number): number | undefined {
  return ({ 0: 8, 2: 2, 3: 4, 4: 8, 10: 2, 11: 4, 12: 8 } as Readonly<Record<number, number>>)[encoding & FORMAT]
}

function small(value: bigint): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw new Damaged('a number of call frame information is larger than any file')
  return number
}
