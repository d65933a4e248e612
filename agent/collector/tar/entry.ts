/** A file in a tar of ours. */
export interface Entry {
  readonly name: string
  readonly content: Buffer
  /** Of what was a file of the host: its owners, its permission bits, and when it was written to (ms since the epoch). */
  readonly kept?: { readonly uid: number; readonly gid: number; readonly mode: number; readonly mtimeMs: number }
}

/** An entry of text. */
export function textEntry(name: string, text: string): Entry {
  return { name, content: Buffer.from(text) }
}
