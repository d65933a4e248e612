import type { Pod } from './pod.ts'

/**
 * What a source knows of an item besides what it is, by source: data, from which whoever reads it makes his own sentences. Names are the
 * host's, reasons are for people only. Lists hold the first LISTED, what matters most first.
 */
export type Details =
  | FactsDetails
  | StacksDetails
  | TracesDetails
  | LiveDetails
  | MemoryDetails
  | ExecutablesDetails
  | JournalDetails
  | FilesDetails
  | CoresDetails

/** Elements of any list in it. */
export const LISTED = 16

export interface FactsDetails {
  readonly source: 'facts'
  /** Processes that there were. */
  readonly processes?: number
  /** ms that the history reaches back. */
  readonly recorded?: number
  /** Bytes of memory that were available ten minutes before its end, and the least since. */
  readonly available?: { readonly from: number; readonly least: number }
  /** Who grew in these ten minutes by much of that, the most first. */
  readonly grew?: readonly Grew[]
  readonly leftOut?: readonly LeftOut[]
  /** How many kinds of things were left out, where they are more than are listed. */
  readonly leftOutKinds?: number
}

/** A process that grew, or a service of many that did. */
export interface Grew {
  readonly pid?: number
  readonly comm?: string
  readonly unit?: string
  /** Bytes by which, and what it had then. */
  readonly grown: number
  readonly memory: number
  /** The kernel has killed it since, for want of memory. */
  readonly killed: boolean
}

/** Something that was there and is not in the facts. */
export interface LeftOut {
  /** The first of its kind. */
  readonly path: string
  readonly reason: string
  /** How often. */
  readonly times: number
}

export interface StacksDetails {
  readonly source: 'stacks'
  /** Processes that were looked at, and how often each thread was. */
  readonly processes: number
  readonly looks?: number
  /** Processes that hang; of one look, those that were blocked at that moment. */
  readonly stuck?: number
  /** Of these processes, the thread of each that matters first. */
  readonly threads?: readonly StuckThread[]
  /** Cores that lack something: cores.tsv says what. */
  readonly partial?: number
  /** 32-bit processes, of which there is no core. */
  readonly narrow?: number
  /** Processes that were chosen and had ended when their core was to be taken, and who some of them were. */
  readonly gone?: number
  readonly goneFirst?: readonly GoneProcess[]
}

/** A process that had ended before we came to it. */
export interface GoneProcess extends Partial<Pod> {
  readonly pid: number
  readonly comm: string
  readonly unit?: string
}

/** What a thread does, as two looks at it tell: collector/sources/stacks/stand.ts. */
export type Stand = (typeof STANDS)[number]
export const STANDS = ['blocked', 'deadlock?', 'spinning', 'still', 'moved', 'unknown'] as const

export interface StuckThread {
  readonly pid: number
  /** Of the process. */
  readonly comm: string
  readonly unit?: string
  readonly tid: number
  readonly name: string
  readonly stand: Stand
  /** It is in uninterruptible sleep. */
  readonly blocked: boolean
  /** Kernel function in which it sleeps. */
  readonly wchan?: string
  /** System call that it hangs in. */
  readonly call?: string
}

export interface TracesDetails {
  readonly source: 'traces'
  /** Living processes whose stacks are told, and crashed ones. */
  readonly processes: number
  readonly crashed: number
  /** Threads of both; frames of different stacks, and how many of them have a name. */
  readonly threads?: number
  readonly frames?: number
  readonly named?: number
  /** Of crashes and of processes that hang: who it is, and what it has in common with others of its kind. */
  readonly fingerprints?: readonly Fingerprinted[]
}

/** What the stack of a crash, or of a process that hangs, has in common with those like it: collector/sources/traces/FINGERPRINT.md. */
export interface Fingerprinted {
  readonly of: (typeof PRINTED)[number]
  /** Of a crash, where its core lies on the host, and when it was: ms since the epoch. */
  readonly path?: string
  readonly at?: number
  readonly pid?: number
  readonly fingerprint: string
}

/** A crash, and the ways to hang, as the rules call them. */
export const PRINTED = ['crash', 'blocked', 'deadlock', 'spinning'] as const

export interface LiveDetails {
  readonly source: 'live'
  /** Why it was taken, where its process was in trouble. */
  readonly trouble?: Trouble
  readonly by?: 'ptrace' | 'gdb'
  /** What is missing of it, a reason each. */
  readonly missed?: readonly string[]
  /** Threads that are not in it: there were too many. */
  readonly beyond?: number
  /** Pages that were read after the process had been let go, though it should have stood still. */
  readonly late?: number
  /** The process ended before all of it was read. */
  readonly ended?: boolean
}

/** What is wrong with a living process. */
export type Trouble =
  /** A thread of it waits and cannot be woken. */
  | { readonly kind: 'blocked'; readonly comm: string; readonly tid: number; readonly wchan?: string }
  /** Its unit has failed, or was being stopped and ran on. */
  | { readonly kind: 'failed' | 'stopping' }
  /** In its unit the kernel has killed for want of memory: whom, or how many. */
  | { readonly kind: 'killed'; readonly comm?: string; readonly pid?: number; readonly count?: number }
  /** Its group, or one above it, has nearly all the memory that it may have. */
  | { readonly kind: 'short'; readonly group: string; readonly percent: number }
  /** Its threads wait for each other, or one of them runs and gets nowhere. */
  | { readonly kind: 'deadlock' | 'spinning'; readonly tid: number }
  /** It has nearly all the descriptors that it may have, or its group nearly all the tasks. */
  | { readonly kind: 'limit'; readonly of: (typeof LIMITED)[number]; readonly used: number; readonly most: number }

export const LIMITED = ['descriptors', 'tasks'] as const

/** Classes of pages in the order of the file: collector/machine-memory/VMCORE.md. */
export type PageKind = (typeof PAGES)[number]
export const PAGES = ['kernel data', 'tasks', 'objects', 'kernel', 'shmem', 'user', 'cache', 'free', 'missing'] as const

export interface MemoryDetails {
  readonly source: 'memory'
  /** The scope that was taken, as the setting spells it. */
  readonly scope?: string
  /** What each scope would take: bytes before compression, and ms at the rates that a plan assumes. */
  readonly costs?: readonly { readonly scope: string; readonly bytes: number; readonly ms: number }[]
  /** The scope that was asked for and did not fit, and its bytes. */
  readonly unfit?: { readonly scope: string; readonly bytes: number }
  /** Whether the unit had more pages than there was room or time for. */
  readonly more?: boolean
  /** Classes of which all pages are there. */
  readonly whole?: readonly PageKind[]
  /** Pages that were read, and how many of them were looked at again. */
  readonly pages?: number
  readonly compared?: number
  /** Pages that had changed by then, by class; those of no class are whole. */
  readonly torn?: readonly { readonly of: PageKind; readonly pages: number }[]
  /** Bytes that could not be read, and are zeros. */
  readonly unread?: number
  /** Release of the kernel whose tables these are. */
  readonly kernel?: string
}

export interface ExecutablesDetails {
  readonly source: 'executables'
  /** Whose program or library it is. */
  readonly comm?: string
  readonly pid?: number
}

export interface JournalDetails {
  readonly source: 'journal'
  readonly entries: number
  /** Of the first and the last of them: ms since the epoch, where a calendar has it. */
  readonly from?: number
  readonly to?: number
  /** Why journald could not be made to close it, so that it may have been written to meanwhile. */
  readonly open?: string
  /** Bytes that its header says it has, and it does not. */
  readonly headerBytes?: number
}

export interface FilesDetails {
  readonly source: 'files'
  /** How many files it holds, where it holds many, and the newest of them. */
  readonly count?: number
  readonly first?: readonly { readonly path: string; readonly bytes: number }[]
  /** What could not be read of them, though it was there. */
  readonly unread?: number
  /** Of one file: its length at the inventory, and which of its bytes these are: `to` is beyond that where it has grown. */
  readonly size?: number
  readonly from?: number
  readonly to?: number
  /** It is an older piece of a log whose newest end is an artifact of its own. */
  readonly older?: boolean
  /** Its owners and permission bits: inode(7). */
  readonly uid?: number
  readonly gid?: number
  readonly mode?: number
  /** When it was written to: ms since the epoch. */
  readonly modified?: number
  /** It was rotated meanwhile: what it is called now, where that was found out. What was begun in its place follows after it. */
  readonly rotated?: string
}

export interface CoresDetails {
  readonly source: 'cores'
  /** The thread that crashed. */
  readonly thread?: number
  /** It was still being written at the inventory. */
  readonly unfinished?: boolean
  /** It was taken from the kernel as it was written, while the host went down. */
  readonly handed?: boolean
  /** Why what systemd-coredump has written beside it was not read. */
  readonly unasked?: string
}
