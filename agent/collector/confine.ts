import { getSystemErrorMessage } from 'node:util'
import {
  PAGEMAP_SCAN,
  PTRACE_DETACH,
  PTRACE_GETREGSET,
  PTRACE_GETSIGINFO,
  PTRACE_INTERRUPT,
  PTRACE_SEIZE,
  type System,
} from './host/ffi.ts'

/** What ptrace(2) is asked for here: to have a thread stand still, to read of it, to let it go. */
const READING = [PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_GETREGSET, PTRACE_GETSIGINFO, PTRACE_DETACH]
/**
 * What ioctl(2) is asked for, here and in Node and the programs that it starts: ioctl_tty(2) for "is this a terminal" and its
 * size; FIONREAD, FIONBIO, FIOCLEX and FIONCLEX of include/uapi/asm-generic/ioctls.h.
 */
const ASKING = [PAGEMAP_SCAN, 0x5401n, 0x5413n, 0x541bn, 0x5421n, 0x5450n, 0x5451n].map(Number)
/** From setxattrat(2) of Linux 6.13 on: this number and later ones are the same on all machines, and nothing here needs them. */
const YOUNGER = 463

/** Numbers of calls, and AUDIT_ARCH_* of Linux include/uapi/linux/audit.h. */
const MACHINES: Readonly<Record<string, { readonly audit: number; readonly ioctl: number; readonly ptrace: number }>> =
  {
    x64: { audit: 0xc000_003e, ioctl: 16, ptrace: 101 },
    arm64: { audit: 0xc000_00b7, ioctl: 29, ptrace: 117 },
  }

const [EPERM, ENOTTY, ENOSYS] = [1, 25, 38]

/**
 * Closes for this process, and all that it starts, what systemd's filter cannot, as that knows no arguments and no call
 * younger than itself: ptrace(2) reads and does not write, ioctl(2) asks and does not do. For good: no call opens it again.
 * `tracing` is `any` where another program traces, whose requests are its own. Gives why it could not be done, if so.
 */
export function confine(system: System, tracing: 'reading' | 'any'): string | undefined {
  if (system.kind === 'missing') return system.reason
  const machine = MACHINES[process.arch]
  if (machine === undefined) return `the numbers of system calls are not known for ${process.arch}`
  const calls = [
    ...onlyWith(machine.ioctl, 1, ASKING, ENOTTY),
    ...(tracing === 'any' ? [] : [...seizeWithout(machine.ptrace), ...onlyWith(machine.ptrace, 0, READING, EPERM)]),
  ]
  const program = [
    load(ARCHITECTURE),
    ...unless(JUMP_EQUAL, machine.audit, [fail(EPERM)]),
    load(NUMBER),
    ...when(JUMP_AT_LEAST, YOUNGER, [fail(ENOSYS)]),
    ...calls,
    ALLOW,
  ]
  const errno = system.filterCalls(Buffer.concat(program))
  return errno === 0 ? undefined : `seccomp: ${getSystemErrorMessage(-errno)}`
}

/** One instruction of a filter: struct sock_filter of Linux include/uapi/linux/filter.h. */
type Instruction = Buffer

/** BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K, BPF_JMP | BPF_JGE | BPF_K, BPF_RET | BPF_K: linux/bpf_common.h. */
const [LOAD, JUMP_EQUAL, JUMP_AT_LEAST, RETURN] = [0x20, 0x15, 0x35, 0x06] as const
/** SECCOMP_RET_* and offsets in struct seccomp_data: linux/seccomp.h. Of an argument the lower half is all that is looked at. */
const [RET_ALLOW, RET_ERRNO] = [0x7fff_0000, 0x0005_0000]
const [NUMBER, ARCHITECTURE, ARGUMENTS] = [0, 4, 16]

function instruction(code: number, value: number, then = 0, otherwise = 0): Instruction {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt16LE(code, 0)
  bytes[2] = then
  bytes[3] = otherwise
  bytes.writeUInt32LE(value, 4)
  return bytes
}

const load = (offset: number) => instruction(LOAD, offset)
const fail = (errno: number) => instruction(RETURN, RET_ERRNO | errno)
const ALLOW = instruction(RETURN, RET_ALLOW)

/** The block where what was loaded compares so with a value; it goes on behind it elsewhere. */
const when = (code: number, value: number, block: readonly Instruction[]) => [
  instruction(code, value, 0, block.length),
  ...block,
]
const unless = (code: number, value: number, block: readonly Instruction[]) => [
  instruction(code, value, block.length, 0),
  ...block,
]

/** A call passes with these values of an argument, and fails with others. Expects and leaves the number of the call. */
function onlyWith(call: number, argument: number, values: readonly number[], errno: number): readonly Instruction[] {
  const passes = values.flatMap((value) => when(JUMP_EQUAL, value, [ALLOW]))
  return when(JUMP_EQUAL, call, [load(ARGUMENTS + 8 * argument), ...passes, fail(errno)])
}

/** PTRACE_SEIZE with options fails: one of them kills what is traced when the tracer ends. */
function seizeWithout(call: number): readonly Instruction[] {
  const options = [load(ARGUMENTS + 8 * 3), ...unless(JUMP_EQUAL, 0, [fail(EPERM)])]
  const seizes = [load(ARGUMENTS), ...when(JUMP_EQUAL, PTRACE_SEIZE, options), load(NUMBER)]
  return when(JUMP_EQUAL, call, seizes)
}
