import { isOnCalendar } from '../../../words/instant.ts'

/**
 * The header of a journal file, as far as it says what is in the file:
 * https://systemd.io/JOURNAL_FILE_FORMAT and struct Header in systemd's journal-def.h. All numbers little-endian.
 */
export interface JournalHeader {
  readonly state: 'offline' | 'online' | 'archived'
  /** Random, never two files with the same; survives the renaming when the file is archived. */
  readonly fileId: string
  /** Boot of the last entry (before systemd 254: of the last writer), 32 hex digits. */
  readonly bootId: string
  readonly seqnumId: string
  /** Bytes that readers demand: the header's and the arena's; a shorter file is refused whole. */
  readonly bytes: number
  readonly entries: number
  readonly headSeqnum: number
  /** µs since the epoch */
  readonly headRealtime: number
  /** µs since the epoch */
  readonly tailRealtime: number
}

/** A file's times are the host's clock's, which may have been set back since by about a time zone, in ms. */
const CLOCK_ERROR_MS = 86_400_000

/**
 * Sorts the newest last entry first, behind them those of a time that cannot be: a damaged header, or one from before the clock
 * was set, is not to stand in front of what is known. `now` in ms since the epoch.
 */
export function byLastEntry(now: number): (a: Timed, b: Timed) => number {
  const isCredible = ({ header }: Timed) =>
    isOnCalendar(header.tailRealtime / 1000) && header.tailRealtime / 1000 <= now + CLOCK_ERROR_MS
  return (a, b) => Number(isCredible(b)) - Number(isCredible(a)) || b.header.tailRealtime - a.header.tailRealtime
}

interface Timed {
  readonly header: Pick<JournalHeader, 'tailRealtime'>
}

/** As much of a file as `parseHeader` needs: the header of systemd 187, up to tail_entry_monotonic. */
export const HEADER_BYTES = 208

const STATES = ['offline', 'online', 'archived'] as const

/** The header in a file's first HEADER_BYTES bytes; undefined where that is no journal file. */
export function parseHeader(head: Buffer): JournalHeader | undefined {
  if (head.length < HEADER_BYTES || head.toString('latin1', 0, 8) !== 'LPKSHHRH') return undefined
  const state = STATES[head[16] ?? -1]
  if (state === undefined) return undefined
  const id = (at: number) => head.toString('hex', at, at + 16)
  const number = (at: number) => Number(head.readBigUInt64LE(at))
  return {
    state,
    fileId: id(24),
    bootId: id(56),
    seqnumId: id(72),
    bytes: number(88) + number(96),
    entries: number(152),
    headSeqnum: number(168),
    headRealtime: number(184),
    tailRealtime: number(192),
  }
}

/**
 * What journald calls a file once it is archived, without the suffix: `system@<seqnum id>-<first seqnum>-<first time>`
 * (journal_file_archive in systemd's journal-file.c). Settled from the first entry on, so a live file's is known before.
 */
export function archivedName(stem: string, header: JournalHeader): string {
  const hex = (number: number) => number.toString(16).padStart(16, '0')
  return `${stem}@${header.seqnumId}-${hex(header.headSeqnum)}-${hex(header.headRealtime)}`
}
