import { sentence } from '../cannot.ts'

/** The few calls of libc that Node has no function for; `missing` where this Node cannot reach them. */
export type System = SystemCalls | { readonly kind: 'missing'; readonly reason: string }

export interface SystemCalls {
  readonly kind: 'ready'
  /** flock(2) on an open descriptor: 0, or the errno. Blocks the thread unless LOCK_NB is in `operation`. */
  flock(fd: number, operation: number): number
  /** lgetxattr(2), which follows no symbolic link: the value, or undefined where there is none to be had. */
  getxattr(path: string, name: string): Buffer | undefined
}

/** flock(2) operations: Linux include/uapi/asm-generic/fcntl.h. */
export const LOCK_EX = 2
export const LOCK_NB = 4

/** Longest attribute value read, in bytes: PATH_MAX, as the longest of systemd-coredump's is a path. */
const XATTR_BYTES = 4096

/** Reaches libc through node:ffi (Node 26). Never throws: without FFI the reason is in the answer. */
export function openSystem(): System {
  try {
    // Not an import statement: that would keep the collector from starting on a Node without the module.
    const ffi = process.getBuiltinModule('node:ffi')
    if (ffi === undefined) return { kind: 'missing', reason: `Node ${process.version} has no node:ffi` }
    // null: the symbols of the running program, so whatever libc it is linked to.
    const { functions } = ffi.dlopen(null, {
      flock: { arguments: ['int32', 'int32'], return: 'int32' },
      lgetxattr: { arguments: ['string', 'string', 'buffer', 'uint64'], return: 'int64' },
      __errno_location: { arguments: [], return: 'pointer' },
    })
    return {
      kind: 'ready',
      flock: (fd, operation) =>
        functions.flock(fd, operation) === 0 ? 0 : ffi.getInt32(functions.__errno_location() as bigint, 0),
      getxattr(path, name) {
        const value = Buffer.alloc(XATTR_BYTES)
        const length = Number(functions.lgetxattr(path, name, value, BigInt(value.length)))
        return length < 0 ? undefined : value.subarray(0, length)
      },
    }
  } catch (error) {
    return { kind: 'missing', reason: sentence(error) }
  }
}
