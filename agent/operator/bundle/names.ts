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

/**
 * Files and directories that programs heed because somebody stands beside them, most of them from a shell's prompt: all that begin with
 * a dot (.git, .gdbinit, .envrc, .crashrc); HEAD, without which git takes no directory for a bare repository, whose config names
 * programs; and those of darcs, fossil and mise. On some file systems case does not count.
 */
const HEEDED = /^(?:\.(?!\.?$)|(?:HEAD|_darcs|_FOSSIL_|mise\.toml)$)/i

/** Whether a part of this name is one that programs heed: it must not be in a directory where people work. */
export function isHeeded(name: string): boolean {
  return name.split('/').some((part) => HEEDED.test(part))
}

/** The same name with the first letter of each such part percent-encoded, so that nothing heeds it: `%2egit`, `%48EAD`. `..` stays, to be refused. */
export function unheeded(name: string): string {
  return name
    .split('/')
    .map((part) => (HEEDED.test(part) ? `%${Buffer.from(part).toString('hex', 0, 1)}${part.slice(1)}` : part))
    .join('/')
}
