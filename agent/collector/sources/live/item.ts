import { Refusal } from '../../../wall/refusal.ts'
import type { LiveDetails, Trouble } from '../../../words/details.ts'
import { withinOwn } from '../../../words/own-time.ts'
import { formatBytes } from '../../../words/units.ts'
import type { Executable } from '../../elf/executable.ts'
import { readExecutable } from '../../host/executable-file.ts'
import type { System } from '../../host/ffi.ts'
import type { Reading } from '../../host/reading.ts'
import { type Freeze, openFullCore } from '../../live-core/full-core.ts'
import { openGcore } from '../../live-core/gcore.ts'
import { Unsupported } from '../../live-core/target.ts'
import { safeName } from '../../processes/core-table.ts'
import { type HostProcess, startedAt } from '../../processes/host-process.ts'
import type { Patients } from '../../processes/patients.ts'
import type { Found } from '../source.ts'

export interface LiveRequest {
  readonly root: string
  readonly system: System
  readonly patients: Patients
  readonly process: HostProcess
  /** When the host booted, in ms since the epoch; 0 where that is not known. */
  readonly booted: number
  /** Why the process was chosen, if it is in trouble. */
  readonly trouble: Trouble | undefined
  readonly when: 'trouble' | 'always'
  /** What takes the core: we, or gdb. */
  readonly by: 'ptrace' | 'gcore'
  readonly freeze: Freeze
  /** ms */
  readonly standstill: number
}

/** Threads that are stopped; a process with more is one of a kind, and its other threads run on. */
const THREADS = 10_000
/** What a process's own memory shrinks to: zeros, pointers and text. */
const RATIO = 0.4
/** Headers, notes and stacks of a core, and what of each file is kept. */
const HEAD_BYTES = 1024 * 1024
const THREAD_BYTES = 16 * 1024
/** The stacks have the processes to themselves first. */
const PATIENCE_MS = 15_000
/** ms, of which we were run, to read what an executable says of itself: it may lie on a file system that hangs. */
const EXECUTABLE_MS = 250

/** A living process as an item of the inventory. */
export function liveItem(request: LiveRequest, value: number): Found {
  const { process, booted, when } = request
  const { pid, comm, exe, unit, container, start, threads, own } = process
  const started = startedAt(process, booted)
  return {
    id: `${pid}.${start}`,
    source: 'live',
    name: `live/${safeName(unit ?? comm)}.${pid}.core.zst`,
    class: 'memory',
    phase: 'live',
    encoding: 'frames',
    bytes: own + threads * THREAD_BYTES + HEAD_BYTES,
    ratio: RATIO,
    value,
    patience: PATIENCE_MS + request.standstill,
    ...(when === 'trouble' && { when }),
    identity: {
      ...{ pid, comm, threads },
      ...(exe !== undefined && { exe }),
      ...(unit !== undefined && { unit }),
      ...(container !== undefined && { container }),
      ...(started !== undefined && { started }),
      details: detailsOf(request),
    },
    open: (limit, signal) => openItem(request, limit, signal),
  }
}

function detailsOf({ trouble, by }: LiveRequest): LiveDetails {
  return { source: 'live', by: by === 'gcore' ? 'gdb' : 'ptrace', ...(trouble !== undefined && { trouble }) }
}

async function openItem(request: LiveRequest, limit: number, signal: AbortSignal): Promise<Reading> {
  const { root, system, patients, process, by, freeze, standstill } = request
  const { pid, start } = process
  using inTime = withinOwn(EXECUTABLE_MS, signal)
  const executable = await readExecutable(root, pid, inTime.signal)
  const turn = await patients.turn(signal)
  try {
    const target = { pid, start, root }
    const reading =
      by === 'gcore'
        ? await openGcore(target, standstill, limit, signal)
        : await openFullCore(target, freeze, { freezeMs: standstill, threads: THREADS }, system, signal)
    return ofPatient(reading, { ...executable, details: detailsOf(request) }, limit, turn)
  } catch (error) {
    turn[Symbol.dispose]()
    // No core could be had of it, whatever the time: that is not amiss, and a setting of the builder's may change it.
    if (error instanceof Unsupported)
      throw new Refusal('limit', `${error.message}; with live.with = "gcore" gdb takes it, where it is installed`)
    throw error
  }
}

/** What is known of a process before its core is read. */
type Known = Executable & { readonly details: LiveDetails }

/** A reading of at most `limit` bytes (a core that is cut still opens) that ends the turn, with what else is known. */
function ofPatient(reading: Reading, known: Known, limit: number, turn: Disposable): Reading {
  let left = limit
  async function* chunks() {
    for await (const { bytes, release } of reading.chunks) {
      if (bytes.length > left) {
        yield { bytes: bytes.subarray(0, left), release }
        left = -1
        return
      }
      left -= bytes.length
      yield { bytes, release }
    }
  }
  return {
    chunks: chunks(),
    outcome() {
      const { identity, ...outcome } = reading.outcome()
      const grown =
        left < 0 ? { truncated: `it is larger than expected: the first ${formatBytes(limit)} were read` } : {}
      const details = { ...known.details, ...(identity?.details?.source === 'live' && identity.details) }
      return { ...grown, ...outcome, identity: { ...known, ...identity, details } }
    },
    async [Symbol.asyncDispose]() {
      // The process is let go at once; what is still being read of it may take its time.
      const closing = reading[Symbol.asyncDispose]()
      turn[Symbol.dispose]()
      await closing
    },
  }
}
