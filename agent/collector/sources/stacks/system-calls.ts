/** Machines whose cores are written. */
export type Machine = 'x64' | 'arm64'

/**
 * System calls in which threads wait, `number:name`: Linux arch/x86/entry/syscalls/syscall_64.tbl and
 * include/uapi/asm-generic/unistd.h (arm64). Others keep their number.
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
}

/** The name of a system call, or its number where it has none here. */
export function systemCallName(machine: Machine, number: number): string {
  return new RegExp(`\\b${number}:(\\w+)`).exec(NAMES[machine])?.[1] ?? String(number)
}
