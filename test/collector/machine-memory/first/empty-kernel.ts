import type { KernelMemory } from '../../../../agent/collector/machine-memory/first/kernel-memory.ts'

/** Bytes of the memory below. */
export const MEMORY = 64 * 4096
/** Where it begins, as the kernel has it. */
const DIRECT = 0xffff_8880_0000_0000n

/** A kernel's memory with nothing in it, its symbols by physical address, and how a pointer is put there. */
export function emptyKernel(symbols: Readonly<Record<string, number>>) {
  const memory = Buffer.alloc(MEMORY)
  const physical = (address: bigint) =>
    DIRECT <= address && address < DIRECT + BigInt(MEMORY) ? Number(address - DIRECT) : undefined
  const kernel: KernelMemory = {
    symbol: (name) => (symbols[name] === undefined ? undefined : DIRECT + BigInt(symbols[name])),
    physical,
    async read(address, bytes, signal) {
      const at = physical(address)
      return at === undefined ? undefined : await kernel.readPhysical(at, bytes, signal)
    },
    readPhysical: async (at, bytes) => (at + bytes > MEMORY ? undefined : memory.subarray(at, at + bytes)),
  }
  const point = (from: number, to: number, tag = 0n) => memory.writeBigUInt64LE(DIRECT + BigInt(to) + tag, from)
  return { kernel, memory, point, addressOf: (at: number) => DIRECT + BigInt(at) }
}
