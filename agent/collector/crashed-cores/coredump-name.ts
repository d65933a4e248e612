/** What systemd-coredump says of a core in its file's name. */
export interface CoredumpName {
  readonly comm: string
  readonly uid: number
  /** 32 hex digits */
  readonly bootId: string
  readonly pid: number
  /** ms since the epoch */
  readonly at: number
}

/**
 * Takes `core.<comm>.<uid>.<boot id>.<pid>.<µs>[.zst]` apart (make_filename in systemd's coredump.c, which writes `.`, `/`,
 * space and what is not printable as `\xNN`); undefined for another name.
 */
export function parseCoredumpName(name: string): CoredumpName | undefined {
  const match = /^core\.([^.]+)\.(\d+)\.([0-9a-f]{32})\.(\d+)\.(\d+)(\.[a-z0-9]+)?$/.exec(name)
  const [, comm, uid, bootId, pid, µs] = match ?? []
  if (comm === undefined || bootId === undefined) return undefined
  return { comm: unescaped(comm), uid: Number(uid), bootId, pid: Number(pid), at: Math.floor(Number(µs) / 1000) }
}

function unescaped(text: string): string {
  const bytes = text.replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  // Names are UTF-8 that is escaped byte by byte; what was not escaped is ASCII.
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

/** Suffixes by which a compressed file is known, and stored as it is. */
export const COMPRESSED = /\.(zst|lz4|xz|gz)$/
