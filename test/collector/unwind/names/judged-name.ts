import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import type { NamedFrame } from '../../../../agent/collector/unwind/frame.ts'
import { debugPath } from '../../../../agent/collector/unwind/names/debug-file.ts'

/**
 * Whether a frame has the name that gdb tells of it, or another one of the same place. gdb adds what a function returns and takes, leaves out the number
 * of what a compiler made of it (`.isra.0`), and has Rust's by its debug information, which tells no implementation. `root`: where its files lie.
 */
export function isSameName({ name, module }: NamedFrame, judged: string, root = '/'): boolean {
  if (name === undefined) return false
  const [ours, theirs] = [plain(name.function), plain(judged)]
  if (ours === theirs || theirs.startsWith(`${ours}(`) || theirs.includes(` ${ours}(`)) return true
  const last = (text: string) => text.split('::').at(-1)
  if (/<|\{impl/.test(ours + theirs) && last(ours) === last(theirs)) return true
  const debug = debugPath(module?.image.buildId)
  const files = [join(root, module?.path ?? ''), ...(debug === undefined ? [] : [`/usr/lib/debug/.build-id/${debug}`])]
  return files.some((file) => {
    const symbols = symbolsOf(file)
    const at = symbols.get(ours)
    return at !== undefined && symbols.get(theirs)?.isDisjointFrom(at) === false
  })
}

const plain = (text: string) =>
  text
    .replace(/^_+/, '')
    .replace(/::h[0-9a-f]{16}$/, '')
    .replace(/(?:\.(?:isra|constprop|part|cold|lto_priv|\d+))+/, '')

const known = new Map<string, ReadonlyMap<string, ReadonlySet<string>>>()

/** Where nm(1) says that each function of a file is: of several versions, each. */
function symbolsOf(file: string): ReadonlyMap<string, ReadonlySet<string>> {
  const before = known.get(file)
  if (before !== undefined) return before
  const symbols = new Map<string, Set<string>>()
  for (const options of [['-D'], []]) {
    const listed = execFileSync('sh', ['-c', 'nm "$@" 2>/dev/null || true', 'nm', ...options, file], {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    })
    for (const line of listed.split('\n')) {
      const [, at, name] = /^([0-9a-f]+) [tTiWw] ([^@]+)/.exec(line) ?? []
      if (at === undefined || name === undefined) continue
      symbols.set(plain(name), (symbols.get(plain(name)) ?? new Set()).add(at))
    }
  }
  known.set(file, symbols)
  return symbols
}
