/** Types of entries: getauxval(3), Linux include/uapi/linux/auxvec.h. */
const AT_PHDR = 3
const AT_PHNUM = 5
const AT_PAGESZ = 6

export interface AuxiliaryVector {
  /** Where the executable's program headers lie, and how many there are. */
  readonly headers: number
  readonly count: number
  readonly pageSize: number
}

/**
 * Whether it is of a 32-bit process, whose numbers have 32 bits each: there the upper half of the first type, which is zero in
 * a 64-bit one, is a value, and the first one's (AT_SYSINFO, AT_SYSINFO_EHDR, AT_HWCAP) is never zero.
 */
export function isThirtyTwoBit(bytes: Buffer): boolean {
  return bytes.length >= 16 && bytes.readUInt32LE(4) !== 0
}

/** Reads what /proc/PID/auxv holds: pairs of 64-bit numbers. Undefined where it is none, as for a process without memory. */
export function parseAuxiliaryVector(bytes: Buffer): AuxiliaryVector | undefined {
  const entries = new Map<number, number>()
  for (let at = 0; at + 16 <= bytes.length; at += 16) {
    entries.set(Number(bytes.readBigUInt64LE(at)), Number(bytes.readBigUInt64LE(at + 8)))
  }
  const pageSize = entries.get(AT_PAGESZ)
  if (pageSize === undefined) return undefined
  return { headers: entries.get(AT_PHDR) ?? 0, count: entries.get(AT_PHNUM) ?? 0, pageSize }
}

/** Bytes of a page, by what /proc/self/auxv holds; 4096 where that is not there. */
export function pageBytes(auxv: Buffer | undefined): number {
  return (auxv && parseAuxiliaryVector(auxv)?.pageSize) ?? 4096
}
