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

/** Whether an address may hold code; `unknown` where nobody says. */
export type CodeAt = 'code' | 'none' | 'unknown'

/** What is mapped where in a process. Where headers of a file are to be read that are damaged, it throws Damaged. */
export interface Modules {
  /** The file at an address; undefined where none is mapped, it is not at hand, or it is no program or library. */
  at(address: number, signal: AbortSignal): Promise<Module | undefined>
  codeAt(address: number, signal: AbortSignal): Promise<CodeAt>
  /** The mapping at an address, whatever it holds. */
  mappingAt(address: number): MappedFile | undefined
}
