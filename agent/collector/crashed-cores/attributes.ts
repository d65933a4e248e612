import { join } from 'node:path'
import { plainPath } from '../../words/plain.ts'
import type { System } from '../host/ffi.ts'

/** What systemd-coredump attaches to a core's file (user.coredump.*, in its coredump.c), as far as it is of use. */
export interface Attributes {
  readonly signal?: number
  readonly exe?: string
  /** RLIMIT_CORE of the process, in bytes; absent for unlimited. */
  readonly rlimit?: number
}

/** The highest signal of Linux, SIGRTMAX: signal(7). */
const MOST_SIGNAL = 64

/**
 * The attributes of a core; none where the file has none or this Node cannot read them. Whoever may write a file sets them: only
 * those of a file that nobody but the host may write are to be asked for. A value that systemd-coredump would not have
 * written is left out all the same: a process names its own executable.
 */
export function coredumpAttributes(system: System, root: string, path: string): Attributes {
  if (system.kind === 'missing') return {}
  const get = (name: string) => system.getxattr(join(root, path), `user.coredump.${name}`)?.toString('utf8')
  const number = (name: string) => {
    const text = get(name)
    return text !== undefined && /^\d{1,20}$/.test(text) ? Number(text) : undefined
  }
  const [signal, exe, rlimit] = [number('signal'), plainPath(get('exe')), number('rlimit')]
  return {
    ...(signal !== undefined && signal >= 1 && signal <= MOST_SIGNAL && { signal }),
    ...(exe !== undefined && { exe }),
    // RLIM_INFINITY is 2^64 - 1.
    ...(rlimit !== undefined && rlimit < Number.MAX_SAFE_INTEGER && { rlimit }),
  }
}
