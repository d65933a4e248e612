import type { GoTable } from '../go-table.ts'
import type { Image } from '../image.ts'

/** Go's names are not cut by its linker; nobody reads more. */
const NAME_BYTES = 1024
/** What is read first: most names are shorter. */
const FIRST_BYTES = 128

/** The function of a Go program that one of the file's own addresses is in. Throws Damaged, and the signal's reason. */
export async function goFunctionAt(
  image: Image,
  table: GoTable,
  address: number,
  signal: AbortSignal,
): Promise<{ readonly name: string; readonly start: number } | undefined> {
  const found = await table.functionAt(address, signal)
  if (found === undefined) return undefined
  const { start, nameAt } = found
  for (const length of [FIRST_BYTES, NAME_BYTES]) {
    const bytes = await image.bytes(nameAt, length, signal)
    const end = bytes.indexOf(0)
    if (end > 0) return { name: bytes.toString('utf8', 0, end), start }
    if (end === 0) return undefined
  }
  return undefined
}
