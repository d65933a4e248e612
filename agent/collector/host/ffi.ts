import { sentence } from '../../words/cannot.ts'

/** The few calls of libc that Node has no function for; `missing` where this Node cannot reach them. */
export type System = SystemCalls | { readonly kind: 'missing'; readonly reason: string }

export interface SystemCalls {
  readonly kind: 'ready'
  /** flock(2) on an open descriptor: 0, or the errno. Blocks the thread unless LOCK_NB is in `operation`. */
  flock(fd: number, operation: number): number
  /** lgetxattr(2), which follows no symbolic link: the value, or undefined where there is none to be had. */
  getxattr(path: string, name: string): Buffer | undefined
  /** lseek(2) with SEEK_DATA: where the next data lie at or after a byte of an open file; Infinity where none do, undefined where that is not told. */
  seekData(fd: number, at: number): number | undefined
  /** ptrace(2) with a number as data: 0, or the errno. What is traced belongs to the thread that called. */
  ptrace(request: number, tid: number, data: number): number
  /** PTRACE_GETREGSET or PTRACE_GETSIGINFO, of a thread that stands still, into `into`: bytes written; 0 if it has no such thing. */
  ptraceRead(request: number, tid: number, type: number, into: Buffer): number
  /** waitpid(2) for one thread, which does not wait: its status, `running` while it has not changed, `gone` if it is not ours. */
  poll(tid: number): number | 'running' | 'gone'
  /** PAGEMAP_SCAN on an open pagemap: populated runs from `start` on, and how far it has looked; undefined before Linux 6.7. */
  scanPages(fd: number, start: number, end: number): Scan | undefined
  /** seccomp(2): this filter, a BPF program, on every thread and all that they start: 0, or the errno. */
  filterCalls(program: Buffer): number
}

export interface Scan {
  readonly runs: readonly { readonly start: number; readonly end: number }[]
  readonly end: number
}

/** flock(2) operations: Linux include/uapi/asm-generic/fcntl.h. */
export const LOCK_EX = 2
export const LOCK_NB = 4

/** ptrace(2) requests: Linux include/uapi/linux/ptrace.h. */
export const PTRACE_DETACH = 17
export const PTRACE_GETSIGINFO = 0x4202
export const PTRACE_GETREGSET = 0x4204
export const PTRACE_SEIZE = 0x4206
export const PTRACE_INTERRUPT = 0x4207

/** waitpid(2) options: Linux include/uapi/linux/wait.h. __WALL: threads that were made by clone(2) too. */
const WNOHANG = 1
const WALL = 0x4000_0000

/**
 * _IOWR('f', 16, struct pm_scan_arg), its size, and PAGE_IS_* categories: Linux include/uapi/linux/fs.h. A page that was only
 * ever read is the kernel's one zero page: populated, and empty.
 */
export const PAGEMAP_SCAN = 0xc060_6610n
const SCAN_BYTES = 96
const PAGE_IS_PRESENT = 1n << 3n
const PAGE_IS_SWAPPED = 1n << 4n
const PAGE_IS_PFNZERO = 1n << 5n
/** struct page_region, and how many of them are asked for at once. */
const REGION_BYTES = 24
const REGIONS = 4096

/** prctl(2) and seccomp(2): Linux include/uapi/linux/{prctl,seccomp}.h; the number of the call, which libc has no function for. */
const PR_SET_NO_NEW_PRIVS = 38
const SECCOMP_SET_MODE_FILTER = 1n
const SECCOMP_FILTER_FLAG_TSYNC = 1n
const SECCOMP: Readonly<Record<string, bigint>> = { x64: 317n, arm64: 277n }
const ENOSYS = 38
/** A thread that has a filter which others lack: its number comes in place of an errno. */
const ESRCH = 3

/** lseek(2): Linux include/uapi/linux/fs.h. ENXIO: nothing but a hole until the end. */
const SEEK_DATA = 3
const ENXIO = 6

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
      lseek: { arguments: ['int32', 'int64', 'int32'], return: 'int64' },
      ptrace: { arguments: ['int64', 'int64', 'uint64', 'uint64'], return: 'int64' },
      waitpid: { arguments: ['int32', 'buffer', 'int32'], return: 'int32' },
      ioctl: { arguments: ['int32', 'uint64', 'buffer'], return: 'int32' },
      prctl: { arguments: ['int32', 'uint64', 'uint64', 'uint64', 'uint64'], return: 'int32' },
      syscall: { arguments: ['int64', 'uint64', 'uint64', 'buffer'], return: 'int64' },
      __errno_location: { arguments: [], return: 'pointer' },
    })
    const errno = () => ffi.getInt32(functions.__errno_location() as bigint, 0)
    const status = Buffer.alloc(4)
    // struct iovec of PTRACE_GETREGSET: where to, and how much, which the kernel makes how much it was.
    const vector = Buffer.alloc(16)
    const vectorAt = ffi.getRawPointer(vector)
    const regions = Buffer.alloc(REGIONS * REGION_BYTES)
    const scan = Buffer.alloc(SCAN_BYTES)
    return {
      kind: 'ready',
      flock: (fd, operation) => (functions.flock(fd, operation) === 0 ? 0 : errno()),
      getxattr(path, name) {
        const value = Buffer.alloc(XATTR_BYTES)
        const length = Number(functions.lgetxattr(path, name, value, BigInt(value.length)))
        return length < 0 ? undefined : value.subarray(0, length)
      },
      seekData(fd, at) {
        const data = functions.lseek(fd, BigInt(at), SEEK_DATA)
        if (data >= 0n) return Number(data)
        return errno() === ENXIO ? Infinity : undefined
      },
      ptrace: (request, tid, data) =>
        functions.ptrace(BigInt(request), BigInt(tid), 0n, BigInt(data)) === 0n ? 0 : errno(),
      ptraceRead(request, tid, type, into) {
        const at = ffi.getRawPointer(into)
        vector.writeBigUInt64LE(at, 0)
        vector.writeBigUInt64LE(BigInt(into.length), 8)
        const data = request === PTRACE_GETREGSET ? vectorAt : at
        if (functions.ptrace(BigInt(request), BigInt(tid), BigInt(type), data) !== 0n) return 0
        return request === PTRACE_GETREGSET ? Number(vector.readBigUInt64LE(8)) : into.length
      },
      poll(tid) {
        const answer = functions.waitpid(tid, status, WNOHANG | WALL)
        return answer === tid ? status.readInt32LE(0) : answer === 0 ? 'running' : 'gone'
      },
      scanPages(fd, start, end) {
        const [at, populated] = [ffi.getRawPointer(regions), PAGE_IS_PRESENT | PAGE_IS_SWAPPED]
        // size, flags, start, end, walk_end, vec, vec_len, max_pages, inverted, all of, any of, returned
        const fields = [SCAN_BYTES, 0, start, end, 0, at, REGIONS, 0, PAGE_IS_PFNZERO, PAGE_IS_PFNZERO, populated, 0]
        for (const [index, field] of fields.entries()) scan.writeBigUInt64LE(BigInt(field), index * 8)
        const count = functions.ioctl(fd, PAGEMAP_SCAN, scan)
        if (count < 0) return undefined
        const number = (index: number, field: number) =>
          Number(regions.readBigUInt64LE(index * REGION_BYTES + field * 8))
        const runs = Array.from({ length: count }, (_, index) => ({ start: number(index, 0), end: number(index, 1) }))
        return { runs, end: Number(scan.readBigUInt64LE(32)) }
      },
      filterCalls(program) {
        const call = SECCOMP[process.arch]
        if (call === undefined) return ENOSYS
        if (functions.prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n) !== 0) return errno()
        // struct sock_fprog: how many instructions of eight bytes, and where they are.
        const described = Buffer.alloc(16)
        described.writeUInt16LE(program.length / 8, 0)
        described.writeBigUInt64LE(ffi.getRawPointer(program), 8)
        const answer = functions.syscall(call, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, described)
        return answer === 0n ? 0 : answer < 0n ? errno() : ESRCH
      },
    }
  } catch (error) {
    return { kind: 'missing', reason: sentence(error) }
  }
}
