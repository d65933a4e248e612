import { constants } from 'node:fs'
import { type OwnedFile, openOwned } from './owned-file.ts'

/** Opens a file of /proc or /sys for reading. Rejects with what the system says, or with the signal's reason. */
export const openKernelFile = (path: string, signal: AbortSignal): Promise<OwnedFile> =>
  openOwned(path, constants.O_RDONLY, signal)

/** What the kernel hands out at a time of a text is less. */
const TEXT_BYTES = 64 * 1024

/**
 * The lines of a text of /proc or /sys, some at a time. Names are bytes: none is lost in latin1. A read that hangs is left behind when
 * the signal aborts. Owns the file, and closes it.
 */
export async function* kernelLines(
  owned: OwnedFile,
  signal: AbortSignal,
): AsyncGenerator<readonly string[], void, void> {
  using file = owned
  const buffer = Buffer.allocUnsafeSlow(TEXT_BYTES)
  for (let rest = ''; ; ) {
    const bytesRead = await file.read(buffer, null, signal)
    if (bytesRead === 0) return
    // The kernel hands out whole lines, but does not promise it.
    const lines = (rest + buffer.toString('latin1', 0, bytesRead)).split('\n')
    rest = lines.pop() ?? ''
    yield lines
  }
}
