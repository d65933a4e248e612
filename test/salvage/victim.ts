import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CLEAN, MAIN } from '../commands/lastgasp.ts'
import { coreOf } from '../slow-link/core.ts'

/** Where systemd-coredump keeps cores. */
const CORES = '/var/lib/systemd/coredump'

/** Makes the file system of a host with crashed cores of these sizes, which do not compress. Gives its root. */
export function makeHost(root: string, cores: readonly number[]): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().replaceAll('-', '')
  mkdirSync(join(root, CORES), { recursive: true })
  for (const [i, bytes] of cores.entries()) {
    const name = `core.app${i}.1000.${boot}.${4_000 + i}.${Date.now() - 60_000 - i}000`
    writeFileSync(join(root, CORES, name), coreOf(randomBytes(bytes)))
  }
  return root
}

/** Exit codes of a capture that has closed its bundle, and what one says that could not, on a machine under load, before its deadline. */
const CLOSED: readonly number[] = [0, 4]
const UNCLOSED = 'NO COMPLETE BUNDLE'

export interface Capture {
  readonly root: string
  readonly identity: string
  readonly deadline: string
  /** `--store` and what else leads there. */
  readonly store: readonly string[]
  /** A setting of the seal. */
  readonly sealing: string
  readonly env: NodeJS.ProcessEnv
}

/**
 * Captures a host by hand, and kills both processes of it when `kills` says so (SIGKILL to their group); tells whether they came to their end
 * before. `kills` gets a function that does it.
 */
export async function killedCapture(capture: Capture, kills: (kill: () => void) => void): Promise<'ended' | 'killed'> {
  const set = [
    ...[`deadline="${capture.deadline}"`, capture.sealing, `identity="${capture.identity}"`],
    `cores.directories=["${CORES}"]`,
    // Nobody else's process stands still for this, and nobody's memory is read.
    ...['stacks.processes=[]', 'live.cores=[]', 'memory.scope="off"', 'executables="none"', 'traces="none"'],
  ]
  const args = ['capture', '--root', capture.root, ...capture.store, ...set.flatMap((one) => ['--set', one])]
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args], {
    ...{ stdio: ['ignore', 'pipe', 'pipe'], detached: true },
    env: { ...CLEAN, ...capture.env },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (bytes) => (said += bytes))
  const ended = once(child, 'exit') as Promise<[number | null, string | null]>
  kills(() => {
    try {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // They have just ended by themselves.
    }
  })
  const [code, by] = await ended
  if (code !== null && !CLOSED.includes(code) && !said.includes(UNCLOSED))
    throw new Error(`the capture ended with ${code}: ${said}`)
  return by === 'SIGKILL' ? 'killed' : 'ended'
}
