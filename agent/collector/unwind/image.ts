/** Reads `length` bytes at byte `at`: fewer where there are no more. Rejects where they cannot be had, or with the signal's reason. */
export type ReadBytes = (at: number, length: number, signal: AbortSignal) => Promise<Buffer>

/** Memory that is at hand, as pieces: stacks, and the vdso. Fills the buffer from `address` on, and gives how many bytes it had. */
export type ReadMemory = (address: number, into: Buffer) => number

/** Something in a file that contradicts its format, or that could not be read: the only error that files lead to. */
export class Damaged extends Error {
  override readonly name = 'Damaged'
}

/** A section of a file: elf(5). */
export interface Section {
  readonly name: string
  readonly type: number
  readonly flags: number
  /** In the file's own addresses; 0 for what is not in memory. */
  readonly address: number
  readonly offset: number
  readonly size: number
  /** Index of a section that belongs to it: the strings of a symbol table. */
  readonly link: number
}

/** A part of a file that is mapped: PT_LOAD. */
export interface Load {
  readonly address: number
  readonly offset: number
  /** Bytes in the file, and in memory. */
  readonly stored: number
  readonly size: number
  readonly executable: boolean
}

/**
 * A 64-bit little-endian ELF program or library, as it lies in a file or, of the vdso, in memory; one of them serves all processes that
 * have it mapped. Each function throws Damaged where the file is, and reads through pages that are kept within a bound.
 */
export interface Image {
  /** What it is called in sentences. */
  readonly path: string
  /** e_machine */
  readonly machine: number
  readonly loads: readonly Load[]
  /** Where the table is that finds call frame information (PT_GNU_EH_FRAME), as one of the file's own addresses. */
  readonly frameTable?: number
  /** In hex. */
  readonly buildId?: string
  /** Bytes of the file at a place of the file: all of them, else Damaged. */
  readonly bytes: (at: number, length: number, signal: AbortSignal) => Promise<Buffer>
  /** The same at one of the file's own addresses. */
  readonly bytesAt: (address: number, length: number, signal: AbortSignal) => Promise<Buffer>
  /** Its sections, none where it has none; read once. */
  readonly sections: (signal: AbortSignal) => Promise<readonly Section[]>
}

/** The part of a file that one of its own addresses lies in. */
export function loadAt({ loads }: Pick<Image, 'loads'>, address: number): Load | undefined {
  return loads.find((load) => address >= load.address && address < load.address + load.stored)
}
