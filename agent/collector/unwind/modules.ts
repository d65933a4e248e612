import type { Mapping } from '../host/mappings.ts'
import type { Image } from './image.ts'

/** What of a mapping is needed to unwind: of /proc/PID/maps, or of a core's NT_FILE, which has no permissions. */
export type MappedFile = Pick<Mapping, 'start' | 'end' | 'offset' | 'path'> & Partial<Pick<Mapping, 'permissions'>>

/** A file where a process has it mapped. */
export interface Module {
  /** As it is mapped, in the process's own mount namespace; ` (deleted)` behind it where it is. `[vdso]` for the kernel's. */
  readonly path: string
  /** What is added to the file's own addresses to get the process's. */
  readonly bias: number
  readonly image: Image
}

/** What is mapped where in a process. */
export interface Modules {
  /** The module at an address. Reads its headers the first time, which costs a frame where they are damaged. Throws Damaged, or the signal's reason. */
  at(address: number, signal: AbortSignal): Promise<Module | undefined>
  /** The mapping at an address, whatever it holds. */
  mappingAt(address: number): MappedFile | undefined
}
