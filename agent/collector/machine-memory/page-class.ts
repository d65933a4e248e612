/**
 * What a page is, from /proc/kpageflags: Documentation/admin-guide/mm/pagemap.rst and
 * include/uapi/linux/kernel-page-flags.h. All flags that matter are in the lower half of their 64 bits.
 */
const FLAG = {
  LRU: 1 << 5,
  SLAB: 1 << 7,
  BUDDY: 1 << 10,
  ANON: 1 << 12,
  SWAPCACHE: 1 << 13,
  SWAPBACKED: 1 << 14,
  TAIL: 1 << 16,
  HUGE: 1 << 17,
  HWPOISON: 1 << 19,
  NOPAGE: 1 << 20,
  OFFLINE: 1 << 23,
  PGTABLE: 1 << 26,
} as const

/**
 * Classes by what they are worth to whoever reads a kernel, the best first: in this order they lie in a snapshot. `objects`:
 * slabs and page tables; `missing`: poisoned, offline, or no page at all, never to be read.
 */
export const CLASSES = ['objects', 'kernel', 'shmem', 'user', 'cache', 'free', 'missing'] as const
export type PageClass = (typeof CLASSES)[number]

/** Positions in CLASSES, for counting by the million. */
export const OBJECTS = 0
export const KERNEL = 1
export const SHMEM = 2
export const USER = 3
export const CACHE = 4
export const FREE = 5
export const MISSING = 6

/** Classes of consecutive pages; keeps what the tails of a compound page take from its head. */
export interface Classifier {
  /** Whether it has seen a page yet. */
  readonly seen: boolean
  /** The class of the next page, as its position in CLASSES, from the lower half of its flags. */
  next(flags: number): number
}

export const isTail = (flags: number) => (flags & FLAG.TAIL) !== 0

export function classifier(): Classifier {
  // A tail whose head was not seen, or cannot be trusted, may be anybody's: it must not pass for the kernel's.
  let head = USER
  let seen = false
  return {
    get seen() {
      return seen
    },
    next(flags) {
      seen = true
      if ((flags & (FLAG.NOPAGE | FLAG.HWPOISON | FLAG.OFFLINE)) !== 0) {
        head = USER
        return MISSING
      }
      if ((flags & FLAG.BUDDY) !== 0) return FREE
      if (isTail(flags)) return head
      head = classOf(flags)
      return head
    },
  }
}

/**
 * Slabs and page tables first: ANON is bit 0 of a field in which they keep something else (a slab on a processor's partial
 * list the length of that list), and the kernel does not look whose field it is (fs/proc/page.c). Memory of processes has,
 * besides ANON, SWAPBACKED, or LRU where it may be dropped (MADV_FREE).
 */
function classOf(flags: number): number {
  if ((flags & (FLAG.SLAB | FLAG.PGTABLE)) !== 0) return OBJECTS
  if ((flags & FLAG.HUGE) !== 0) return USER
  if ((flags & FLAG.ANON) !== 0 && (flags & (FLAG.SWAPBACKED | FLAG.LRU)) !== 0) return USER
  if ((flags & FLAG.SWAPBACKED) !== 0) return SHMEM
  if ((flags & (FLAG.LRU | FLAG.SWAPCACHE)) !== 0) return CACHE
  return KERNEL
}
