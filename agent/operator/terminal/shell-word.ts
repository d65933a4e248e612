import { printable } from '../../words/printable.ts'

/** A text as one word of a shell command (bash, zsh), safe to paste whatever is in it. */
export function shellWord(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text
  if (printable(text) === text) return `'${text.replaceAll("'", "'\\''")}'`
  const bytes = Array.from(Buffer.from(text), (b) => `\\x${b.toString(16).padStart(2, '0')}`)
  return `$'${bytes.join('')}'`
}
