/** What a thread waits for by futex(2), for ever. */
export interface Lock {
  readonly address: number
  /** Only its own process knows of it. */
  readonly isPrivate: boolean
  /** Whether the word there may name its owner. */
  readonly isMutex: boolean
  /** Whether the kernel hands it on (priority inheritance). */
  readonly isHandedOn: boolean
  /** Its owner, where that is known. */
  readonly owner?: number | undefined
}

/** futex(2): arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h. */
const FUTEX = process.arch === 'arm64' ? 98 : 202
/** include/uapi/linux/futex.h: operations that wait, and flags. */
const [WAIT, LOCK_PI, WAIT_BITSET, LOCK_PI2] = [0, 6, 9, 13]
const COMMAND = 0x7f
const PRIVATE = 0x80
/** Of a word that names a thread: FUTEX_TID_MASK, FUTEX_WAITERS. */
const TID = 0x3fffffff
const WAITERS = 0x80000000
/** What glibc writes into a mutex that somebody waits for: sysdeps/nptl/lowlevellock.h. */
const CONTENDED = 2
/** Where in glibc's mutex its owner stands: struct __pthread_mutex_s, behind the lock and its count. */
const OWNER_AT = 8

/**
 * What a thread waits for, by /proc/PID/task/TID/syscall: `202 ADDRESS OPERATION VALUE TIMEOUT … SP PC`, hexadecimal (proc_pid_syscall(5)). Undefined where
 * that is no futex, or a timeout ends the wait.
 */
export function lockWaited(text: string): Lock | undefined {
  const [number, ...words] = text.trim().split(' ')
  const [address, operation, value, timeout] = words.map(Number)
  if (number !== String(FUTEX) || address === undefined || operation === undefined || timeout !== 0) return undefined
  const command = operation & COMMAND
  if (![WAIT, LOCK_PI, WAIT_BITSET, LOCK_PI2].includes(command)) return undefined
  const isPrivate = (operation & PRIVATE) !== 0
  const isHandedOn = command === LOCK_PI || command === LOCK_PI2
  // musl waits for the word itself to change, which names the owner: src/thread/pthread_mutex_timedlock.c.
  const word = (value ?? 0) >>> 0
  const isMusl = command === WAIT && word >= WAITERS
  const isMutex = isHandedOn || (command === WAIT && word === CONTENDED)
  return { address, isPrivate, isMutex, isHandedOn, ...(isMusl && { owner: word & TID }) }
}

/** Who owns it, by the 12 bytes at its address. */
export function ownerOf({ isHandedOn }: Lock, bytes: Buffer): number | undefined {
  if (bytes.length < OWNER_AT + 4) return undefined
  const word = bytes.readUInt32LE(0)
  if (isHandedOn) return word & TID || undefined
  return word === CONTENDED ? bytes.readUInt32LE(OWNER_AT) & TID || undefined : undefined
}

/** Threads each of which waits for a lock of the next one, and the last for one of the first. */
export function circlesOf(locks: ReadonlyMap<number, Lock>): readonly (readonly number[])[] {
  const seen = new Set<number>()
  const circles: number[][] = []
  for (const first of locks.keys()) {
    const way: number[] = []
    for (let tid: number | undefined = first; tid !== undefined && !seen.has(tid); tid = locks.get(tid)?.owner) {
      seen.add(tid)
      way.push(tid)
      const owner = locks.get(tid)?.owner
      const at = owner === undefined ? -1 : way.indexOf(owner)
      if (at >= 0) circles.push(way.slice(at))
    }
  }
  return circles
}
