import { within } from '../../../words/deadline.ts'
import { vmcoreinfoNumber } from '../kcore-map.ts'
import type { Machine } from '../machine.ts'
import type { KernelMemory } from './kernel-memory.ts'

/** How an architecture's tables lead from one level to the next. */
interface Format {
  /** From the top to the tables of pages. */
  readonly levels: number
  /** First entry of the top table that is of the kernel. */
  readonly first: number
  /** Bits that an entry has that leads to another table, and the value of those bits. */
  readonly kind: readonly [mask: bigint, table: bigint]
  /** Bits of the next table's physical address. */
  readonly address: bigint
}

const X86_64 = 62
const ENTRY = 8
/** Tables that are looked for: 64 MiB of pages of 4 KiB, as many as map 32 GiB page by page (arm64, rodata=full). */
const MOST = 16_384
/** ms; natively a machine takes some ms. */
const WALK_MS = 2_000

/**
 * Pages of the kernel's own page tables: drgn and crash read every address by them, those of the direct map too. Empty where
 * VMCOREINFO does not say where they begin. Tables of processes are not among them.
 */
export async function pageTablePages(
  { map, pageSize }: Machine,
  kernel: KernelMemory,
  parent: AbortSignal,
): Promise<readonly number[]> {
  const signal = within(WALK_MS, parent)
  const [, symbol] = /^SYMBOL\(swapper_pg_dir\)=([0-9a-f]+)$/m.exec(map.vmcoreinfo.toString('latin1')) ?? []
  const top = symbol === undefined ? undefined : kernel.physical(BigInt(`0x${symbol}`))
  const format = formatOf(map.machine, map.vmcoreinfo, pageSize)
  if (top === undefined || format === undefined) return []
  const pages = [top / pageSize]
  let tables = [top]
  try {
    for (let level = 1; level < format.levels; level++) {
      const below: number[] = []
      for (const table of tables) {
        const entries = await kernel.readPhysical(table, pageSize, signal)
        if (entries === undefined) continue
        const first = level === 1 ? format.first : 0
        for (let at = first * ENTRY; at < pageSize && pages.length < MOST; at += ENTRY) {
          const next = nextTable(entries.readBigUInt64LE(at), format)
          if (next === undefined) continue
          below.push(next)
          pages.push(next / pageSize)
        }
      }
      tables = below
    }
  } catch (error) {
    if (!signal.aborted || parent.aborted) throw error
  }
  return pages
}

function nextTable(entry: bigint, { kind: [mask, table], address }: Format): number | undefined {
  return (entry & mask) === table ? Number(entry & address) : undefined
}

/**
 * Intel SDM volume 3A, 4.5, "4-level paging and 5-level paging"; Arm ARM DDI 0487, D8.3, "Translation table descriptor formats".
 * Levels by VMCOREINFO: Documentation/admin-guide/kdump/vmcoreinfo.rst.
 */
function formatOf(machine: number, vmcoreinfo: Buffer, pageSize: number): Format | undefined {
  if (machine === X86_64) {
    // Present, and not a large page. Memory encryption (AMD) has a bit of its own in the address.
    const encrypted = BigInt(vmcoreinfoNumber(vmcoreinfo, 'NUMBER(sme_mask)') ?? 0)
    const levels = vmcoreinfoNumber(vmcoreinfo, 'NUMBER(pgtable_l5_enabled)') === 1 ? 5 : 4
    return { levels, first: 256, kind: [0x81n, 0x01n], address: 0x000f_ffff_ffff_f000n & ~encrypted }
  }
  const bits = vmcoreinfoNumber(vmcoreinfo, 'NUMBER(VA_BITS)')
  if (bits === undefined) return undefined
  const pageBits = Math.log2(pageSize)
  const levels = Math.ceil((bits - pageBits) / (pageBits - Math.log2(ENTRY)))
  return { levels, first: 0, kind: [3n, 3n], address: 0x0000_ffff_ffff_ffffn & ~BigInt(pageSize - 1) }
}
