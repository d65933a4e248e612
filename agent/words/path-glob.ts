import { posix } from 'node:path'
import { cannot } from './cannot.ts'

/** Stands for where logs are. */
export const LOGS = 'logs'

/** For the published schema; `parseFiles` says what is wrong with what does not match. */
export const FILES = /^(logs|\/[^\0]+)$/
/** The same for globs alone. */
export const PATH_GLOB = /^\/[^\0]+$/

/** Told with every error. */
export const GLOB_FORMS = 'an absolute path, in which "**" may stand for directories, "*" for letters, "?" for one'
export const FILES_FORMS = `"${LOGS}" or ${GLOB_FORMS}`

/** File systems of the kernel's: the facts have what is worth having, and there are environments and memory among it. */
const OF_KERNEL = ['/proc', '/sys', '/dev'] as const

/** Which files are meant. Paths have a character for each byte (host-name.ts), and so has what this looks for. */
export interface PathGlob {
  readonly pattern: string
  /** Where it begins: what stands before the first part that may be several things. */
  readonly base: string
  readonly matches: (path: string) => boolean
  /** Whether something below a directory may be meant. */
  readonly leadsInto: (directory: string) => boolean
}

/**
 * Reads a glob. `**` alone between slashes stands for any directories, also none, and at the end for all that lies below; `*` for any
 * characters but `/`, `?` for one byte that is none. Throws what is wrong.
 */
export function parsePathGlob(text: string): PathGlob {
  const why = fault(text)
  if (why !== undefined) throw cannot(`read ${JSON.stringify(text)}`, why)
  const parts = Buffer.from(text).toString('latin1').slice(1).split('/')
  const wild = parts.findIndex((part) => /[*?]/.test(part))
  const base = `/${(wild < 0 ? parts : parts.slice(0, wild)).join('/')}`
  const whole = new RegExp(`^/${parts.map(sourceOf).join('')}$`, 's')
  const each = parts.map((part) => (part === '**' ? part : new RegExp(`^${partSource(part)}$`, 's')))
  return { pattern: text, base, matches: (path) => whole.test(path), leadsInto: (directory) => leads(each, directory) }
}

/** Reads what `files.paths` may name. */
export function parseFiles(text: string): typeof LOGS | PathGlob {
  return text === LOGS ? LOGS : parsePathGlob(text)
}

/** Whether a path is this one, or lies below it. */
export function isBelow(path: string, above: string): boolean {
  return path === above || above === '/' || path.startsWith(`${above}/`)
}

function fault(text: string): string | undefined {
  if (!text.startsWith('/') || text.includes('\0')) return `expected ${GLOB_FORMS}`
  if (text.endsWith('/')) return `a directory is no file: write "${text}**" for all that lies below it`
  if (posix.normalize(text) !== text) return 'a part of it is empty, "." or ".."'
  const kernel = OF_KERNEL.find((path) => isBelow(text, path))
  return kernel === undefined ? undefined : `what lies below ${kernel} is no file of the host's`
}

function sourceOf(part: string, index: number, parts: readonly string[]): string {
  const isLast = index === parts.length - 1
  if (part === '**') return isLast ? '.+' : '(?:[^/]+/)*'
  return partSource(part) + (isLast ? '' : '/')
}

function partSource(part: string): string {
  return part
    .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replace(/\*+/g, '[^/]*')
    .replace(/\?/g, '[^/]')
}

function leads(parts: readonly (RegExp | '**')[], directory: string): boolean {
  const names = directory === '/' ? [] : directory.slice(1).split('/')
  for (const [index, name] of names.entries()) {
    const part = parts[index]
    if (part === '**') return true
    if (part === undefined || !part.test(name)) return false
  }
  return names.length < parts.length
}
