import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { abandonable, within } from '../../words/deadline.ts'
import { bytePath } from '../../words/host-name.ts'
import { parseMembership } from '../../words/membership.ts'
import { formatBytes } from '../../words/units.ts'
import { cgroupMount } from '../host/cgroup-tree.ts'
import { parseMounts } from '../host/mounts.ts'
import { type OwnedFile, openOwned } from '../host/owned-file.ts'
import { numberOf } from '../host/process-files.ts'
import { readFrom } from '../host/read-file.ts'
import type { Reading } from '../host/reading.ts'
import { blankOut } from './blank-out.ts'
import { mayTrace, type Preflight } from './preflight.ts'
import { readFacts } from './process-facts.ts'
import { type Target, Untouchable } from './target.ts'
import { stateOf } from './threads.ts'

/** Where the core is until it has been read: in memory, whatever is full or read-only. The file has no name, and ends with us. */
const MEMORY = '/dev/shm'
/** __O_TMPFILE of Linux's include/uapi/asm-generic/fcntl.h; with O_DIRECTORY it is open(2)'s O_TMPFILE. */
const O_TMPFILE = 0o20_000_000 | constants.O_DIRECTORY
/** The largest core that is taken so, and the share of the memory that is still to be had. */
const MOST_BYTES = 512 * 1024 * 1024
const SHARE = 1 / 4
/** Blocks in which ulimit -f counts: POSIX, XCU ulimit. */
const BLOCK = 512
/** Where gdb's descriptor of the file is. */
const OUTPUT = '/proc/self/fd/3'
const GDB = ['usr/bin/gdb', 'usr/local/bin/gdb', 'bin/gdb']
/** What gdb says when the file does not take all of it: the limit, or no memory. */
const UNWRITTEN = /Failed to write corefile|writing note section|File too large|No space left/
/** Nobody's settings and scripts, no symbols, no network: gdb.1, "Auto-loading" and "Separate Debug Files" of its manual. */
const QUIETLY = ['-nx', '-batch', '-readnever', '-iex', 'set auto-load off']

/** Whether gdb can take cores here. Touches no process. */
export function canGcore(root: string): Preflight {
  if (gdbOf(root) === undefined) return { ok: false, reason: 'live.with is "gcore", and gdb is not installed' }
  return mayTrace(root)
}

/**
 * A core by the `gcore` of gdb, for what we cannot trace ourselves: LIVE-CORE.md. The process stands still all the while, `freezeMs` at most;
 * the core is in memory then, and its environment reads as zeros. Throws Untouchable where there is none to be had.
 */
export async function openGcore(
  target: Target,
  freezeMs: number,
  limit: number,
  parent: AbortSignal,
): Promise<Reading> {
  const { root, pid } = target
  const gdb = gdbOf(root)
  if (gdb === undefined) throw new Untouchable('gdb is not installed')
  const { environment, tracer } = await readFacts(target, parent)
  if (tracer !== 0) throw new Untouchable(`it is already traced, by process ${tracer}`)
  if ('DZX'.includes(stateOf(target, pid))) throw new Untouchable('it is in uninterruptible sleep, or has ended')
  if (isFrozen(target)) throw new Untouchable('it is in a frozen cgroup, where gdb would hang')
  const bytes = roomFor(root)
  using owned = new DisposableStack()
  const output = owned.use(await openOwned(MEMORY, constants.O_RDWR | O_TMPFILE, parent))
  const began = performance.now()
  await run(gdb, target, output, bytes, within(freezeMs, parent))
  const ms = Math.round((performance.now() - began) * 10) / 10
  await blankOut(output, [environment], parent)
  const stats = await output.stat(parent)
  const reading = readFrom({ path: `the core of ${pid} by gdb`, handle: output, stats }, stats.size, limit, parent)
  owned.move()
  return { ...reading, outcome: () => ({ ...reading.outcome(), identity: { freezeMs: ms } }) }
}

async function run(gdb: string, target: Target, output: OwnedFile, bytes: number, signal: AbortSignal): Promise<void> {
  const { pid } = target
  const before = stateOf(target, pid)
  const commands = [`attach ${pid}`, `generate-core-file ${OUTPUT}`, 'detach'].flatMap((command) => ['-ex', command])
  const limited = 'ulimit -c 0 && ulimit -f "$0" && exec "$@"'
  const args = ['-c', limited, String(Math.floor(bytes / BLOCK)), gdb, ...QUIETLY, ...commands]
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C' }
  const child = spawn('/bin/sh', args, { stdio: ['ignore', 'pipe', 'pipe', output.fd], env, cwd: '/' })
  // It ignores SIGTERM while it waits for a process.
  const kill = () => child.kill('SIGKILL')
  signal.addEventListener('abort', kill, { once: true })
  if (signal.aborted) kill()
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => said.push(text))
  try {
    const [status, killer] = await abandonable(once(child, 'close'), signal)
    const words = said.join('')
    // It calls a core saved even if it was not.
    if (UNWRITTEN.test(words)) throw new Untouchable(`its core by gdb is larger than ${formatBytes(bytes)}`)
    if (status === 0 && words.includes(`Saved corefile ${OUTPUT}`)) return
    const why = /^(?:Could not attach|ptrace:|.*not permitted|No such|warning: process).*$/m.exec(words)?.[0]
    throw new Untouchable(`gdb took no core of it: ${why ?? `it ended with ${killer ?? status}`}`)
  } catch (error) {
    wake(target, before)
    if (!signal.aborted || error instanceof Untouchable) throw error
    throw new Untouchable('gdb was not done with it in time (live.standstill)')
  } finally {
    signal.removeEventListener('abort', kill)
  }
}

/** Gdb attaches by SIGSTOP; one that was killed at that very moment leaves it to the process. */
function wake(target: Target, before: string): void {
  if (before === 'T' || stateOf(target, target.pid) !== 'T') return
  try {
    process.kill(target.pid, 'SIGCONT')
  } catch {
    // Not ours to signal. At shutdown systemd sends every process of a unit a SIGCONT: systemd.kill(5).
  }
}

function gdbOf(root: string): string | undefined {
  return GDB.map((path) => join(root, path)).find((path) => existsSync(path))
}

/** Bytes that a core may have in memory. */
function roomFor(root: string): number {
  const available = numberOf(textOf(join(root, 'proc/meminfo')), 'MemAvailable') ?? 0
  return Math.min(MOST_BYTES, available * SHARE)
}

/** Whether its cgroup, or one above it, is frozen: Documentation/admin-guide/cgroup-v2.rst, cgroup.events. */
function isFrozen({ root, pid }: Target): boolean {
  const group = parseMembership(textOf(join(root, `proc/${pid}/cgroup`)))?.cgroup
  const tree = cgroupMount(parseMounts(textOf(join(root, 'proc/self/mountinfo'))))
  if (group === undefined || tree === undefined) return false
  return /^frozen 1$/m.test(textOf(bytePath(root, `${tree}${group}/cgroup.events`)))
}

/** A character for each byte. */
function textOf(path: string | Buffer): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
