import type { Caller, ReadNumber } from './by-cfi.ts'
import type { GoTable } from './go-table.ts'
import type { Architecture, Registers } from './registers.ts'

const WORD = 8

/** The caller's registers by Go's own table. `address`: in the file's own addresses. Throws Damaged, or the signal's reason. */
export async function byGoTable(
  table: GoTable,
  address: number,
  registers: Registers,
  { pc, sp, fp, link }: Architecture,
  memory: ReadNumber,
  signal: AbortSignal,
): Promise<Caller> {
  const found = await table.functionAt(address, signal)
  if (found === undefined) return { kind: 'none' }
  const growth = await table.growthAt(found, address, signal)
  const stack = registers[sp]
  if (growth === undefined || growth < 0 || stack === undefined) return { kind: 'none' }
  const entered = stack + BigInt(growth)
  // x86-64 has the return address above the frame, and the frame pointer at its top; arm64 at its bottom, and below it.
  const [returnAt, pointerAt] = link === undefined ? [entered, entered - 8n] : [stack, stack - 8n]
  const caller = [...registers]
  if (link === undefined || growth > 0) {
    const back = memory(returnAt, WORD)
    if (back === undefined) return { kind: 'unreadable', address: Number(returnAt) }
    caller[pc] = back
  } else {
    caller[pc] = registers[link]
  }
  if (growth > 0) caller[fp] = memory(pointerAt, WORD) ?? registers[fp]
  caller[sp] = link === undefined ? entered + 8n : entered
  return { kind: 'caller', registers: caller }
}
