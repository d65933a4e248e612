/** Longest name of a file and of a path on Linux: `NAME_MAX` and `PATH_MAX` of limits.h, without the NUL. */
const NAME_BYTES = 255
const PATH_BYTES = 4095

/**
 * The parts of a relative name that came with a bundle (of an artifact, an object, a tar entry), or why it must not
 * be used: it is foreign input, and names a place below a directory of ours or it names nothing.
 */
export function safeParts(name: string): readonly string[] | { readonly refused: string } {
  if (name === '') return { refused: 'it has no name' }
  if (name.includes('\0')) return { refused: 'its name holds a NUL' }
  if (Buffer.byteLength(name) > PATH_BYTES) return { refused: `its name is longer than ${PATH_BYTES} bytes` }
  const parts = name.split('/')
  for (const part of parts) {
    if (part === '') return { refused: 'its name is absolute or has an empty part' }
    if (part === '.' || part === '..') return { refused: `its name has a "${part}" in it` }
    if (Buffer.byteLength(part) > NAME_BYTES)
      return { refused: `a part of its name is longer than ${NAME_BYTES} bytes` }
  }
  return parts
}
