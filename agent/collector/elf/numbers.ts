/** Numbers as an ELF file has them: elf(5), e_ident. Offsets beyond 2^53 lose their last digits, and no file is that long. */
export interface Numbers {
  /** ELFCLASS64. */
  readonly isWide: boolean
  /** ELFDATA2LSB. */
  readonly isLittle: boolean
  /** 2 bytes */
  half(bytes: Buffer, at: number): number
  /** 4 bytes */
  word(bytes: Buffer, at: number): number
  /** An address, offset or size: 8 bytes, or 4 in a 32-bit file. */
  long(bytes: Buffer, at: number): number
}

/** Those of what is known to be little-endian. */
export const LITTLE: Pick<Numbers, 'word'> = { word: (bytes, at) => bytes.readUInt32LE(at) }

/** `\x7fELF` */
const MAGIC = 0x7f454c46

/** How to read the file that begins with these bytes; undefined where it is no ELF file. */
export function numbersOf(head: Buffer): Numbers | undefined {
  const [wide, order] = [head[4], head[5]]
  if (head.length < 6 || head.readUInt32BE(0) !== MAGIC) return undefined
  if ((wide !== 1 && wide !== 2) || (order !== 1 && order !== 2)) return undefined
  const [isWide, isLittle] = [wide === 2, order === 1]
  const word = (bytes: Buffer, at: number) => (isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at))
  const giant = (bytes: Buffer, at: number) => Number(isLittle ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at))
  return {
    isWide,
    isLittle,
    half: (bytes, at) => (isLittle ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at)),
    word,
    long: isWide ? giant : word,
  }
}
