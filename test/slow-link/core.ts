/** A core file (elf(5)) with nothing in it but one segment of memory. */
export function coreOf(memory: Buffer): Buffer {
  const header = Buffer.alloc(64)
  header.write('\x7fELF', 'latin1')
  header.set([2, 1, 1], 4) // 64 bits, little-endian, version 1
  header.writeUInt16LE(4, 16) // ET_CORE
  header.writeUInt16LE(62, 18) // x86-64
  header.writeUInt32LE(1, 20)
  header.writeBigUInt64LE(64n, 32) // program headers follow
  header.writeUInt16LE(64, 52)
  header.writeUInt16LE(56, 54)
  header.writeUInt16LE(1, 56)
  const segment = Buffer.alloc(56)
  segment.writeUInt32LE(1, 0) // PT_LOAD
  segment.writeUInt32LE(6, 4)
  segment.writeBigUInt64LE(120n, 8)
  segment.writeBigUInt64LE(0x10000n, 16)
  for (const at of [32, 40]) segment.writeBigUInt64LE(BigInt(memory.length), at)
  return Buffer.concat([header, segment, memory])
}
