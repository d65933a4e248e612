import { readText } from '../host/read-text.ts'

/** What /proc/sys/kernel/core_pattern does with a core (core(5)). */
export type CorePattern =
  /** Handed to a program, or (since 6.16) to a socket: where it puts cores cannot be seen from here. */
  | { readonly kind: 'handler'; readonly text: string }
  /** Written into each process's own working directory. */
  | { readonly kind: 'scattered'; readonly text: string }
  /** Written as files into one directory; `files` matches their names, with groups pid, comm, uid, signal, time. */
  | { readonly kind: 'directory'; readonly text: string; readonly directory: string; readonly files: RegExp }

/**
 * What stands for each specifier, and what of it is of use. Texts are as long as the kernel lets them be (TASK_COMM_LEN, HOST_NAME_MAX):
 * whoever may write there chooses names that a pattern without bounds would take hours to refuse.
 */
const SPECIFIERS: Readonly<Record<string, readonly [group: string | undefined, shape: string]>> = {
  p: ['pid', '\\d{1,10}'],
  P: ['pid', '\\d{1,10}'],
  e: ['comm', '.{1,15}?'],
  u: ['uid', '\\d{1,10}'],
  s: ['signal', '\\d{1,2}'],
  t: ['time', '\\d{1,12}'],
  h: [undefined, '.{0,64}'],
  ...Object.fromEntries([...'iIgdCcF'].map((number) => [number, [undefined, '\\d{1,20}']] as const)),
}
/** A path (%E), a file's name (%f), and what is not known. */
const OTHER = '.{0,255}'

/** What the host below `root` does with a core; where nobody can tell, what a kernel does that nobody has told otherwise. */
export async function readCorePattern(root: string, signal: AbortSignal): Promise<CorePattern> {
  const now = (await readText(root, 'proc/sys/kernel/core_pattern', signal)) ?? 'core'
  const text = now.startsWith(OURS) ? await before(root, signal) : now
  return parseCorePattern(Buffer.from(text, 'latin1').toString('utf8'))
}

/** While the host goes down cores are handed over to us: where they lie was decided before. The first line of what our unit has kept. */
const OURS = '|/usr/lib/lastgasp/'
const before = async (root: string, signal: AbortSignal) =>
  (await readText(root, 'run/lastgasp/core_pattern', signal))?.split('\n')[0] ?? 'core'

/** Reads a core_pattern. */
export function parseCorePattern(text: string): CorePattern {
  const pattern = text.trim()
  const slash = pattern.lastIndexOf('/')
  const directory = pattern.slice(0, slash) || '/'
  if (/^[|@]/.test(pattern)) return { kind: 'handler', text: pattern }
  // A directory that is named per process is as good as none that can be listed.
  if (!pattern.startsWith('/') || directory.includes('%')) return { kind: 'scattered', text: pattern }
  return { kind: 'directory', text: pattern, directory, files: namesOf(pattern.slice(slash + 1)) }
}

function namesOf(template: string): RegExp {
  const given = new Set<string>()
  const source = template.replace(/%(.?)|[^%]/g, (part, specifier: string | undefined) => {
    if (specifier === undefined || specifier === '%') return RegExp.escape(specifier ?? part)
    const [group, shape] = SPECIFIERS[specifier] ?? [undefined, OTHER]
    if (group === undefined || given.has(group)) return shape
    given.add(group)
    return `(?<${group}>${shape})`
  })
  // kernel.core_uses_pid adds the pid where the pattern has none.
  return new RegExp(`^${source}${given.has('pid') ? '' : '(?:\\.(?<pid>\\d+))?'}$`, 's')
}
