import { posix } from 'node:path'
import { shellWord } from '../terminal/shell-word.ts'

/**
 * A file's name as one word of a shell command that no program takes for an option, and no shell for anything but a name:
 * what begins with neither a letter nor a digit (`-x`, `=x` in zsh, `@x`, `~x`) is named from where one stands.
 */
export function operand(name: string): string {
  return shellWord(/^[\w/.]/.test(name) ? name : `./${name}`)
}

/**
 * Names of files that may stand in a line for gdb, which takes spaces, quotes and backslashes apart and for which a line end begins
 * another command (`shell` is one).
 */
const PLAIN = /^[\w@%+=:,./-]+$/

/** Whether a name from a bundle, below the directory of a fetch, may stand in a line for gdb. */
export function isPlain(name: string): boolean {
  return PLAIN.test(name)
}

/** Whether a path from a bundle is what a host's own path looks like: absolute, normalised, plain. What is not is never part of a command. */
export function isPlainPath(path: string): boolean {
  return PLAIN.test(path) && path.startsWith('/') && posix.normalize(path) === path && !path.endsWith('/')
}

/** Names of units, systemd.unit(5). */
const UNIT = /^[\w:.\\@][\w:.\\@-]{0,254}$/

/** The option that asks journalctl for one unit; undefined where a host calls it as no unit is called. */
export function unitOption(unit: string): string | undefined {
  return UNIT.test(unit) ? `--unit=${shellWord(unit)}` : undefined
}
