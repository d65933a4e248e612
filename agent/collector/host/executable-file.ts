import { constants } from 'node:fs'
import { join } from 'node:path'
import { type Executable, executableIn } from '../elf/executable.ts'
import { openOwned } from './owned-file.ts'

/**
 * What a running process's executable says of itself, by the kernel's own link, which works for a file that is gone, too.
 * Empty where there is nothing to read in time: it may lie on a file system that hangs.
 */
export async function readExecutable(root: string, pid: number, signal: AbortSignal): Promise<Executable> {
  return (await executableAt(join(root, `proc/${pid}/exe`), signal).catch(() => undefined)) ?? {}
}

/** The same of a program or library by its path; undefined where it is none. Throws where it cannot be read in time. */
export async function executableAt(path: string, signal: AbortSignal): Promise<Executable | undefined> {
  using file = await openOwned(path, constants.O_RDONLY | constants.O_NONBLOCK, signal)
  if (!(await file.stat(signal)).isFile()) return undefined
  return await executableIn((at, length) => file.bytesAt(at, length, signal))
}
