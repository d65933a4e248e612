import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { abandonable } from '../../words/deadline.ts'
import { type Executable, executableIn } from '../elf/executable.ts'

/**
 * What a running process's executable says of itself, by the kernel's own link, which works for a file that is gone, too.
 * Empty where there is nothing to read in time: it may lie on a file system that hangs.
 */
export async function readExecutable(root: string, pid: number, signal: AbortSignal): Promise<Executable> {
  return (await executableAt(join(root, `proc/${pid}/exe`), signal).catch(() => undefined)) ?? {}
}

/** The same of a program or library by its path; undefined where it is none. Throws where it cannot be read in time. */
export async function executableAt(path: string, signal: AbortSignal): Promise<Executable | undefined> {
  const reading = (async () => {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    if (!(await file.stat()).isFile()) return undefined
    return await executableIn(async (at, length) => {
      if (!Number.isSafeInteger(at)) return Buffer.alloc(0)
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at)
      return buffer.subarray(0, bytesRead)
    })
  })()
  return await abandonable(reading, signal)
}
