import { sentence } from '../../../words/cannot.ts'
import { withinOwn } from '../../../words/own-time.ts'
import { readExecutable } from '../../host/executable-file.ts'
import { takeStackCore } from '../../live-core/stack-core.ts'
import { Unsupported } from '../../live-core/target.ts'
import { type CoreRow, coreEntry } from '../../processes/core-table.ts'
import type { HostProcess } from '../../processes/host-process.ts'
import type { StacksRequest } from './request.ts'

/** ms, of which we were run, to read what an executable says of itself: it may lie on a file system that hangs. */
const EXECUTABLE_MS = 250

/** A core of one process's stacks, where one can be had, and what became of it. `room`: bytes that are left for it. Never throws. */
export async function takeCore(
  { root, system, caps, kept }: StacksRequest,
  process: HostProcess,
  room: number,
  signal: AbortSignal,
): Promise<{ readonly row: CoreRow; readonly core?: Buffer }> {
  const { pid, start } = process
  using inTime = withinOwn(EXECUTABLE_MS, signal)
  const executable = await readExecutable(root, pid, inTime.signal)
  const none = { process, entry: undefined, executable, threads: 0, beyond: 0, freezeMs: 0, unsupported: false }
  if (signal.aborted) return { row: { ...none, missed: ['there was no time left'] } }
  try {
    const taken = await takeStackCore({ pid, start, root }, caps.core, system, signal)
    const { core, threads, beyond, freezeMs, missed } = taken
    await kept?.add(process, taken, signal)
    if (core.length > room) return { row: { ...none, freezeMs, missed: [`no room for its ${core.length} bytes`] } }
    return {
      row: { process, entry: coreEntry(process), executable, threads, beyond, freezeMs, missed, unsupported: false },
      core,
    }
  } catch (error) {
    kept?.lack(`${process.comm} ${pid}`, sentence(error))
    return { row: { ...none, unsupported: error instanceof Unsupported, missed: [sentence(error)] } }
  }
}
