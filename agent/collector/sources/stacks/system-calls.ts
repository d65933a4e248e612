import { isThirtyTwoBit } from '../../host/auxiliary-vector.ts'

/** The ways to number system calls: a 32-bit process has its own. */
export type Machine = 'x64' | 'arm64' | 'ia32' | 'arm'

/** That of a process, by its auxiliary vector; where that may not be read, that of this machine. */
export function machineOf(auxv: Buffer | undefined): Machine {
  const isNarrow = auxv !== undefined && isThirtyTwoBit(auxv)
  if (process.arch === 'arm64') return isNarrow ? 'arm' : 'arm64'
  return isNarrow ? 'ia32' : 'x64'
}

/**
 * System calls in which threads wait, `number:name`: Linux arch/x86/entry/syscalls/syscall_64.tbl and syscall_32.tbl,
 * include/uapi/asm-generic/unistd.h (arm64), arch/arm/tools/syscall.tbl. Those that take 64-bit times in 32-bit processes have the
 * name of the others. Others keep their number.
 */
const NAMES: Readonly<Record<Machine, string>> = {
  x64: `
0:read 1:write 7:poll 16:ioctl 19:readv 20:writev 23:select 34:pause 35:nanosleep 42:connect 43:accept
44:sendto 45:recvfrom 46:sendmsg 47:recvmsg 61:wait4 65:semop 70:msgrcv 72:fcntl 73:flock 74:fsync
75:fdatasync 128:rt_sigtimedwait 130:rt_sigsuspend 202:futex 219:restart_syscall 220:semtimedop
230:clock_nanosleep 232:epoll_wait 247:waitid 257:openat 262:newfstatat 270:pselect6 271:ppoll 281:epoll_pwait
288:accept4 299:recvmmsg 332:statx 426:io_uring_enter 441:epoll_pwait2 449:futex_waitv
`,
  arm64: `
22:epoll_pwait 25:fcntl 29:ioctl 32:flock 56:openat 63:read 64:write 65:readv 66:writev 72:pselect6 73:ppoll
79:newfstatat 82:fsync 83:fdatasync 95:waitid 98:futex 101:nanosleep 115:clock_nanosleep 128:restart_syscall
133:rt_sigsuspend 137:rt_sigtimedwait 188:msgrcv 192:semtimedop 193:semop 202:accept 203:connect 206:sendto
207:recvfrom 211:sendmsg 212:recvmsg 242:accept4 243:recvmmsg 260:wait4 291:statx 426:io_uring_enter
441:epoll_pwait2 449:futex_waitv
`,
  ia32: `
0:restart_syscall 3:read 4:write 7:waitpid 29:pause 54:ioctl 55:fcntl 114:wait4 118:fsync 142:select 143:flock
145:readv 146:writev 148:fdatasync 162:nanosleep 168:poll 177:rt_sigtimedwait 179:rt_sigsuspend 221:fcntl 240:futex
256:epoll_wait 267:clock_nanosleep 284:waitid 295:openat 308:pselect6 309:ppoll 319:epoll_pwait 337:recvmmsg
362:connect 364:accept4 369:sendto 370:sendmsg 371:recvfrom 372:recvmsg 383:statx 407:clock_nanosleep 413:pselect6
414:ppoll 417:recvmmsg 420:semtimedop 421:rt_sigtimedwait 422:futex 426:io_uring_enter 441:epoll_pwait2
449:futex_waitv
`,
  arm: `
0:restart_syscall 3:read 4:write 29:pause 54:ioctl 55:fcntl 114:wait4 118:fsync 142:select 143:flock 145:readv
146:writev 148:fdatasync 162:nanosleep 168:poll 177:rt_sigtimedwait 179:rt_sigsuspend 221:fcntl 240:futex
252:epoll_wait 265:clock_nanosleep 280:waitid 283:connect 285:accept 290:sendto 292:recvfrom 296:sendmsg 297:recvmsg
322:openat 335:pselect6 336:ppoll 346:epoll_pwait 365:recvmmsg 366:accept4 397:statx 407:clock_nanosleep
413:pselect6 414:ppoll 417:recvmmsg 420:semtimedop 421:rt_sigtimedwait 422:futex 426:io_uring_enter
441:epoll_pwait2 449:futex_waitv
`,
}

/** The name of a system call, or its number where it has none here. */
export function systemCallName(machine: Machine, number: number): string {
  return new RegExp(`\\b${number}:(\\w+)`).exec(NAMES[machine])?.[1] ?? String(number)
}
