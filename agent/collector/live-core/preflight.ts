import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sentence } from '../../words/cannot.ts'
import type { System } from '../host/ffi.ts'
import { machineOf } from './machine.ts'

/** Whether processes can be traced at all; the reason is a receipt's. */
export type Preflight = { readonly ok: true } | { readonly ok: false; readonly reason: string }

/** Bit of CAP_SYS_PTRACE: capabilities(7), Linux include/uapi/linux/capability.h. */
const CAP_SYS_PTRACE = 19n
/** Nobody may trace, whatever he may do otherwise: Linux Documentation/admin-guide/LSM/Yama.rst. */
const YAMA_NOBODY = 3

/** Asks once whether ptrace(2) can work here: the system calls, the machine, Yama, our own capabilities. Touches no process. */
export function canTrace(system: System, root: string): Preflight {
  if (system.kind === 'missing') return { ok: false, reason: `processes cannot be traced: ${system.reason}` }
  if (machineOf(process.arch) === undefined) {
    return { ok: false, reason: `registers of this architecture (${process.arch}) are not known` }
  }
  return mayTrace(root)
}

/** Whether the kernel lets this process trace others, whatever it does it with. */
export function mayTrace(root: string): Preflight {
  if (yamaScope(root) === YAMA_NOBODY) {
    return { ok: false, reason: 'the kernel lets nobody trace: kernel.yama.ptrace_scope is 3' }
  }
  try {
    const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync(join(root, 'proc/self/status'), 'utf8'))?.[1] ?? '0'
    if ((BigInt(`0x${effective}`) >> CAP_SYS_PTRACE) & 1n) return { ok: true }
    return { ok: false, reason: 'the collector has no CAP_SYS_PTRACE' }
  } catch (error) {
    return { ok: false, reason: `the collector cannot tell its own capabilities: ${sentence(error)}` }
  }
}

function yamaScope(root: string): number {
  try {
    return Number.parseInt(readFileSync(join(root, 'proc/sys/kernel/yama/ptrace_scope'), 'utf8'), 10)
  } catch {
    // A kernel without Yama.
    return 0
  }
}
