import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { abandonable } from '../../words/deadline.ts'
import { afterOwn, OwnTime } from '../../words/own-time.ts'

/** ms of which this process was run for a small text, which is in memory: a healthy host answers in a hundredth of that. */
const TEXT_MS = 1_000

/**
 * A small text of the host below `root` (of /proc, /sys, /etc), a character for each byte; undefined where it is not to be had in time.
 * Throws the signal's reason, and nothing else.
 */
export async function readText(root: string, path: string, signal: AbortSignal): Promise<string | undefined> {
  signal.throwIfAborted()
  using time = new OwnTime()
  const late = new AbortController()
  const cancel = afterOwn(TEXT_MS, time, () => late.abort())
  try {
    return await abandonable(readFile(join(root, path), 'latin1'), AbortSignal.any([signal, late.signal]))
  } catch {
    signal.throwIfAborted()
    return undefined
  } finally {
    cancel()
  }
}
