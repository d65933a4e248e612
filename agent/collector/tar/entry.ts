/** A file of the facts. */
export interface Entry {
  readonly name: string
  readonly content: Buffer
}

/** An entry of text. */
export function textEntry(name: string, text: string): Entry {
  return { name, content: Buffer.from(text) }
}
