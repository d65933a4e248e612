import { kernelLines, openKernelFile } from './kernel-file.ts'

/** Addresses from `start` up to, but not including, `end`. All are below 2^53: user space ends at 2^47, or 2^52 on arm64. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** One mapping of a process: proc_pid_maps(5), and what proc_pid_smaps(5) adds. */
export interface Mapping extends Range {
  /** `rwxp`: the last is `s` for a shared one. */
  readonly permissions: string
  readonly offset: number
  /** `major:minor` of the file's device, in hex; with the inode, the file. */
  readonly device: string
  readonly inode: number
  /** Of the file, with ` (deleted)` behind it where it is; or `[stack]`, `[vdso]`, empty. */
  readonly path: string
  /** Of smaps only; bytes that are resident or swapped out. */
  readonly populated?: number
  /** Of smaps only; bytes that are not, or no longer, those of the file. */
  readonly own?: number
  /** Of smaps only: VmFlags. */
  readonly flags?: readonly string[]
}

/** What cannot be addressed exactly, and never holds a program's data: vsyscall. */
const HIGHEST = Number.MAX_SAFE_INTEGER

const HEAD = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) ([0-9a-f]+) (\S+) (\d+) *(.*)$/
const FIELD = /^(\w+): +(\d+) kB$/
const FLAGS = /^VmFlags: (.*)$/

/** The mappings of `maps` or `smaps`, lowest first. Abandons the file when the signal aborts: its lock may be held for ever. */
export async function readMappings(path: string, signal: AbortSignal): Promise<Mapping[]> {
  const file = await openKernelFile(path, signal)
  const mappings: Mapping[] = []
  for await (const lines of kernelLines(file, signal)) for (const line of lines) take(line, mappings)
  return mappings.filter(({ end }) => end <= HIGHEST)
}

/** What a line of `maps`, or the first of several of `smaps`, says; undefined for any other line. The text has a character for each byte. */
export function parseMapping(line: string): Mapping | undefined {
  const head = HEAD.exec(line)
  if (head === null) return undefined
  const [, start = '', end = '', permissions = '', offset = '', device = '', inode = '', path = ''] = head
  return {
    start: Number.parseInt(start, 16),
    end: Number.parseInt(end, 16),
    permissions,
    offset: Number.parseInt(offset, 16),
    device,
    inode: Number(inode),
    path: path.replaceAll('\\012', '\n'),
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

function take(line: string, mappings: Mapping[]): void {
  const mapping = parseMapping(line)
  if (mapping !== undefined) {
    mappings.push(mapping)
    return
  }
  const last: Mutable<Mapping> | undefined = mappings.at(-1)
  if (last === undefined) return
  const [, key, kilobytes] = FIELD.exec(line) ?? []
  const bytes = Number(kilobytes) * 1024
  if (key === 'Rss' || key === 'Swap') last.populated = (last.populated ?? 0) + bytes
  if (key === 'Private_Hugetlb' || key === 'Shared_Hugetlb') last.populated = (last.populated ?? 0) + bytes
  if (key === 'Anonymous' || key === 'Swap') last.own = (last.own ?? 0) + bytes
  const flags = FLAGS.exec(line)?.[1]
  if (flags !== undefined) last.flags = flags.trim().split(' ')
}
