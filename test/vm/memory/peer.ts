import { open } from 'node:fs/promises'
import type { Machine } from '../../../scripts/vm/machine.ts'

/** Sizes of ELF64 structures: elf(5). */
const EHDR = 64
const PHDR = 56

/**
 * All of a guest's memory as QEMU sees it, while the guest stands still: the peer of every snapshot taken from inside. The guest
 * needs qemu_fw_cfg for VMCOREINFO.
 */
export async function dumpGuest(machine: Machine, path: string, signal: AbortSignal): Promise<void> {
  await machine.dumpMemory(path, signal)
  await programHeadersFirst(path)
}

/** QEMU puts section headers between the ELF header and the program headers, where makedumpfile does not look for them. */
async function programHeadersFirst(path: string): Promise<void> {
  await using file = await open(path, 'r+')
  const header = Buffer.alloc(EHDR)
  await file.read(header, 0, EHDR, 0)
  const table = Buffer.alloc(header.readUInt16LE(56) * PHDR)
  await file.read(table, 0, table.length, Number(header.readBigUInt64LE(32)))
  header.writeBigUInt64LE(BigInt(EHDR), 32) // e_phoff
  header.writeBigUInt64LE(0n, 40) // e_shoff
  header.fill(0, 58, 64) // e_shentsize, e_shnum, e_shstrndx
  await file.write(Buffer.concat([header, table]), 0, EHDR + table.length, 0)
}
