import { join } from 'node:path'
import { kernelLines, openKernelFile } from '../../host/kernel-file.ts'
import type { KcoreReader } from '../kcore-reader.ts'
import type { Machine } from '../machine.ts'
import { mappingOf } from '../vmcore.ts'

/** What the kernel's own symbols and pointers lead to. */
export interface KernelMemory {
  /** Address of a variable; undefined where /proc/kallsyms does not list it (CONFIG_KALLSYMS_ALL). */
  symbol(name: string): bigint | undefined
  /** Physical address; undefined where it is in no mapping of memory that is plainly there. */
  physical(address: bigint): number | undefined
  /** Bytes from an address on; undefined where there is nothing to read. */
  read(address: bigint, bytes: number, signal: AbortSignal): Promise<Buffer | undefined>
  /** The same from a physical address on. */
  readPhysical(physical: number, bytes: number, signal: AbortSignal): Promise<Buffer | undefined>
}

/** Reads the addresses of these symbols; the memory is read as it is asked for. */
export async function kernelMemory(
  root: string,
  { map, memory }: Machine,
  kcore: KcoreReader,
  names: readonly string[],
  signal: AbortSignal,
): Promise<KernelMemory> {
  const symbols = await readSymbols(join(root, 'proc/kallsyms'), names, signal)
  const [, offset] = /^NUMBER\(kimage_voffset\)=0x([0-9a-f]+)$/m.exec(map.vmcoreinfo.toString('latin1')) ?? []
  const kernelMemory: KernelMemory = {
    symbol: (name) => symbols.get(name),
    physical(address) {
      for (const { start, end, address: from } of [...map.image, ...map.direct]) {
        if (from <= address && address < from + BigInt(end - start)) return start + Number(address - from)
      }
      if (offset === undefined) return undefined
      // arm64: the image is mapped apart, VMCOREINFO says by how much (Documentation/admin-guide/kdump/vmcoreinfo.rst).
      const physical = Number(BigInt.asUintN(64, address - BigInt(`0x${offset}`)))
      return memory.ram.some(({ start, end }) => start <= physical && physical < end) ? physical : undefined
    },
    async read(address, bytes, signal) {
      const physical = kernelMemory.physical(address)
      return physical === undefined ? undefined : await kernelMemory.readPhysical(physical, bytes, signal)
    },
    async readPhysical(physical, bytes, signal) {
      const mapping = mappingOf(map, physical)
      if (mapping === undefined || physical + bytes > mapping.end) return undefined
      const content = Buffer.alloc(bytes)
      const lost = await kcore.read(mapping.offset + BigInt(physical - mapping.start), content, signal)
      return lost === 0 ? content : undefined
    },
  }
  return kernelMemory
}

/** As far as they are listed: some 10 MiB of text, of which nothing is kept. */
async function readSymbols(
  path: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, bigint>> {
  const symbols = new Map<string, bigint>()
  const file = await openKernelFile(path, signal).catch(() => undefined)
  if (file === undefined) return symbols
  const symbol = new RegExp(`^([0-9a-f]+) [a-zA-Z] (${names.join('|')})$`)
  for await (const lines of kernelLines(file, signal)) {
    for (const line of lines) {
      const [, address, name] = symbol.exec(line) ?? []
      if (address !== undefined && name !== undefined) symbols.set(name, BigInt(`0x${address}`))
    }
    if (symbols.size === names.length) break
  }
  return symbols
}
