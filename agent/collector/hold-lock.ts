import { spawnSync } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { getSystemErrorMessage } from 'node:util'
import { cannot } from '../words/cannot.ts'
import { LOCK_EX, LOCK_NB, type System } from './host/ffi.ts'

/** flock(1) takes milliseconds; on a host where it does not come back, applications are not held. */
const FLOCK_PROGRAM_MS = 5_000

/**
 * The lock that keeps applications running: lastgasp-hold.service waits for it with flock(1) when the host goes down.
 * The kernel frees it when this process dies, however it dies.
 *
 * Everything is synchronous on purpose: the pool's threads may all hang in reads, and applications must not wait for them.
 */
export class HoldLock implements Disposable {
  readonly path: string
  readonly #system: System
  #fd: number | undefined
  #problem: string | undefined

  constructor(path: string, system: System) {
    this.path = path
    this.#system = system
  }

  get held(): boolean {
    return this.#fd !== undefined
  }

  /** Why the last `acquire` gave false. */
  get problem(): string | undefined {
    return this.#problem
  }

  /** Takes the lock, without waiting, and says whether it is held now. The file is created where it is missing. */
  acquire(): boolean {
    if (this.#fd !== undefined) return true
    let fd: number | undefined
    try {
      fd = openSync(this.path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o644)
      if (this.#system.kind === 'ready') lock(this.#system.flock(fd, LOCK_EX | LOCK_NB))
      else lockByProgram(fd)
      this.#fd = fd
      this.#problem = undefined
    } catch (error) {
      if (fd !== undefined) closeSync(fd)
      this.#problem = cannot(`hold applications by ${this.path}`, error).message
    }
    return this.held
  }

  /** Lets the applications go, and says whether they had been held. */
  release(): boolean {
    if (this.#fd === undefined) return false
    closeSync(this.#fd)
    this.#fd = undefined
    return true
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

function lock(errno: number): void {
  if (errno !== 0) throw new Error(`flock: ${getSystemErrorMessage(-errno)}`)
}

/**
 * Without FFI flock(1) does it once: given our descriptor, it locks the open file behind it and exits, and the lock stays
 * for as long as we keep that open. No child is left, and nothing has to be forked when the host goes down.
 */
function lockByProgram(fd: number): void {
  const { status, error } = spawnSync('flock', ['--exclusive', '--nonblock', '3'], {
    stdio: ['ignore', 'ignore', 'ignore', fd],
    timeout: FLOCK_PROGRAM_MS,
    killSignal: 'SIGKILL',
  })
  if (error !== undefined) throw cannot('run flock(1)', error)
  if (status !== 0) throw new Error('another process holds the lock')
}
