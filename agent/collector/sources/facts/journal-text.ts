import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import type { HostReads } from '../../host/host-reads.ts'
import { numberOf } from '../../host/process-files.ts'

/** ms that journalctl may take, from fork to its last line: 0.1 s on a healthy host. */
export const JOURNAL_WAIT = 2000
/** Bytes kept, the newest: 3,000 lines are about 400 KiB. */
export const JOURNAL_BYTES = 4 * 1024 * 1024
/** ms after the kill until the child is left to itself: in uninterruptible sleep it does not even die. */
const KILL_WAIT = 100
/**
 * Below this no fork: a fork waits for memory with this whole process standing still. Forking needs our page tables
 * and journalctl itself, together about 20 MiB.
 */
const FORK_MEMORY = 64 * 1024 * 1024
/** Percent of the last ten seconds in which nothing ran for want of memory, from which on there is no fork. */
const FORK_PRESSURE = 40

/** What the decision to fork rests on. */
export interface MemoryState {
  /** Content of /proc/meminfo and /proc/pressure/memory. */
  readonly meminfo: string | undefined
  readonly pressure: string | undefined
}

/**
 * The last lines of this boot's journal as text, by journalctl: the one fork of the facts, and the last thing they do.
 * Undefined, and noted, where it is missing, cannot be forked or says nothing. What came before it had to be killed counts.
 */
export async function readJournal(reads: HostReads, lines: number, memory: MemoryState): Promise<Buffer | undefined> {
  const program = 'usr/bin/journalctl'
  if (reads.over()) return undefined
  const objection = shortOfMemory(memory) ?? (await missing(reads, program))
  if (objection !== undefined) {
    reads.ledger.note('journal.txt', `not asked for: ${objection}`)
    return undefined
  }
  try {
    return await runJournalctl(reads, program, lines)
  } catch (thrown) {
    reads.ledger.note('journal.txt', thrown)
    return undefined
  }
}

/** Why the host is too short of memory for a fork, if it is. */
export function shortOfMemory({ meminfo, pressure }: MemoryState): string | undefined {
  const available = numberOf(meminfo, 'MemAvailable')
  if (available !== undefined && available < FORK_MEMORY) return `only ${available >> 20} MiB of memory are available`
  const stalled = Number(pressure?.match(/^full avg10=(\S+)/m)?.[1] ?? 0)
  return stalled > FORK_PRESSURE ? `the host stood still for want of memory ${stalled} % of the time` : undefined
}

/**
 * A fork returns only when the child has executed its program. Reading the first page of the program and of its loader,
 * under our own time limit, shows that the disk answers, and leaves both where the kernel will look for them.
 */
async function missing(reads: HostReads, program: string): Promise<string | undefined> {
  const page = { limit: 4096, head: true, optional: true }
  const head = await reads.bytes(program, page)
  if (head === undefined) return `/${program} could not be read`
  const loader = head.toString('latin1').match(/\/lib[\w/-]*\/ld-linux[\w.-]*/)?.[0]
  if (loader === undefined) return undefined
  return (await reads.bytes(loader, page)) === undefined ? `${loader} could not be read` : undefined
}

async function runJournalctl(reads: HostReads, program: string, lines: number): Promise<Buffer | undefined> {
  const root = reads.root === '/' ? [] : [`--root=${reads.root}`]
  const args = [...root, '-b', '-n', String(lines), '-o', 'short-iso-precise', '--no-pager']
  const child = spawn(join(reads.root, program), args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', SYSTEMD_COLORS: '0' },
  })
  const output = newest(child.stdout, JOURNAL_BYTES)
  const complaints = newest(child.stderr, 1024)
  const signal = AbortSignal.any([reads.signal, AbortSignal.timeout(JOURNAL_WAIT)])
  const end = await ended(child, signal)
  if (end === 'late') reads.ledger.lost('journal.txt', `journalctl was killed after ${JOURNAL_WAIT} ms`)
  else if (end !== 0)
    reads.ledger.note('journal.txt', `journalctl ended with ${end}: ${complaints.text().toString().trim()}`)
  if (output.cut()) reads.ledger.lost('journal.txt', `only the last ${JOURNAL_BYTES} bytes kept`)
  const text = output.text()
  return text.length > 0 ? text : undefined
}

/** The exit code or signal, or `late`; after that nothing of the child keeps us. */
async function ended(
  child: ChildProcessByStdio<null, Readable, Readable>,
  signal: AbortSignal,
): Promise<number | string> {
  const closed = new Promise<number | string>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, killed) => resolve(code ?? killed ?? 'late'))
  })
  const late = new Promise<'late'>((resolve) => {
    if (signal.aborted) resolve('late')
    signal.addEventListener('abort', () => resolve('late'), { once: true })
  })
  const end = await Promise.race([closed, late])
  if (end !== 'late') return end
  child.kill('SIGKILL')
  await Promise.race([closed, setTimeout(KILL_WAIT)])
  child.stdout.destroy()
  child.stderr.destroy()
  child.unref()
  return 'late'
}

/** Keeps the last `limit` bytes of a stream, from the beginning of a line. */
function newest(stream: Readable, limit: number) {
  const chunks: Buffer[] = []
  let bytes = 0
  let cut = false
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    bytes += chunk.length
    while (bytes - (chunks[0]?.length ?? 0) >= limit) {
      bytes -= chunks.shift()?.length ?? 0
      cut = true
    }
  })
  return {
    cut: () => cut,
    text() {
      const all = Buffer.concat(chunks)
      return cut ? all.subarray(all.indexOf(10) + 1) : all
    },
  }
}
