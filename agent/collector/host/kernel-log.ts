import * as fs from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { maskText } from '../masking/mask.ts'
import type { HostReads } from './host-reads.ts'

/** Bytes of records kept, the newest: an out-of-memory report with a thousand tasks is 100 KiB. */
const TAIL = 256 * 1024
/** Larger than any record: CONSOLE_EXT_LOG_MAX, PRINTK_MESSAGE_MAX (kernel/printk/internal.h) are 8 KiB and 2 KiB. */
const RECORD = 16 * 1024
/** Records between turns of the event loop: 2 µs each. */
const TURN = 1000

/** The kernel's newest messages, a line each as `dmesg` shows them: seconds since boot, text. Undefined, and noted, where they may not be read. */
export async function readKernelLog(reads: HostReads): Promise<readonly string[] | undefined> {
  if (reads.over()) return undefined
  try {
    const { records, overwritten } = await readKernelRecords(reads.root, reads.signal)
    if (overwritten > 0) reads.ledger.note(KMSG, 'messages were overwritten while they were read')
    reads.over()
    return renderRecords(records)
  } catch (thrown) {
    reads.ledger.note(KMSG, thrown)
    return undefined
  }
}

const KMSG = 'dev/kmsg'

export interface KernelRecords {
  /** As the kernel writes them: `kernelRecords` takes them apart. */
  readonly records: string
  /** How often messages were overwritten while they were read. */
  readonly overwritten: number
}

/**
 * The kernel's newest messages, as far as there is time for them. Read record by record and without blocking from /dev/kmsg, so synchronously.
 * Rejects with what the system says where they may not be read.
 */
export async function readKernelRecords(root: string, signal: AbortSignal): Promise<KernelRecords> {
  const fd = fs.openSync(join(root, KMSG), fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
  try {
    return await tail(fd, signal)
  } finally {
    fs.closeSync(fd)
  }
}

/** A record of the kernel's log. */
export interface KernelRecord {
  /** Whether the kernel itself wrote it (LOG_KERN of syslog(3)), and not a program through /dev/kmsg. */
  readonly isKernels: boolean
  /** µs since boot */
  readonly time: number
  readonly text: string
}

/** Records of Documentation/ABI/testing/dev-kmsg: `priority,sequence,µs,flags;text`, and ` KEY=value` lines after it, which are left out. */
export function kernelRecords(records: string): readonly KernelRecord[] {
  return records.split('\n').flatMap((line) => {
    const [, priority, time, text] = /^(\d+),\d+,(\d+),[^;]*;(.*)$/.exec(line) ?? []
    return text === undefined ? [] : [{ isKernels: Number(priority) < FACILITY, time: Number(time), text }]
  })
}

/** A priority is a facility times this and a level. */
const FACILITY = 8

/** Records as lines of text. Secrets on the kernel's command line are hidden here too. Text without a record's head is left out. */
export function renderRecords(records: string): readonly string[] {
  return kernelRecords(records).map(({ time, text }) => `[${(time / 1e6).toFixed(6).padStart(12)}] ${maskText(text)}`)
}

async function tail(fd: number, signal: AbortSignal): Promise<KernelRecords> {
  const ring = Buffer.allocUnsafe(2 * TAIL)
  let filled = 0
  let overwritten = 0
  for (let count = 1; !signal.aborted; count++) {
    if (count % TURN === 0) await setImmediate()
    try {
      const bytes = fs.readSync(fd, ring, filled, RECORD, null)
      if (bytes === 0) break
      filled += bytes
    } catch (thrown) {
      const code = (thrown as NodeJS.ErrnoException).code
      if (code === 'EAGAIN') break
      if (code !== 'EPIPE') throw thrown
      overwritten++
    }
    if (filled + RECORD <= ring.length) continue
    ring.copyWithin(0, filled - TAIL, filled)
    filled = TAIL
  }
  return { records: ring.toString('utf8', Math.max(0, filled - TAIL), filled), overwritten }
}
