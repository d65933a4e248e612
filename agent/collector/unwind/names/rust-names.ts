import { RustReader } from './rust-v0.ts'

/** A legacy name: `_ZN`, parts with their lengths, a hash of 16 digits, `E`. */
const LEGACY = /^_{0,2}ZN(\d.*17h[0-9a-f]{16})E(?:\..*)?$/s
const HASH = /^h[0-9a-f]{16}$/
/** What stands for a character that no symbol may have: rustc's legacy symbol mangling. */
const ESCAPES: Readonly<Record<string, string>> = {
  ...{ SP: '@', BP: '*', RF: '&', LT: '<', GT: '>', LP: '(', RP: ')', C: ',' },
}

/**
 * A Rust function as people write it, without its crates' hashes: RFC 2603 (v0), and the legacy form, which looks like C++ but for the hash
 * at its end. Undefined where the name is neither.
 */
export function rustName(mangled: string): string | undefined {
  if (/^_?R[A-Z]/.test(mangled)) return v0Name(mangled.replace(/^_?R/, ''))
  const parts = partsOf(LEGACY.exec(mangled)?.[1] ?? '')
  if (parts === undefined || !HASH.test(parts.at(-1) ?? '')) return undefined
  return parts.slice(0, -1).map(unescaped).join('::')
}

function v0Name(text: string): string | undefined {
  const [, path = '', suffix = ''] = /^(\w+)((?:\.[\w.]+)?)$/.exec(text) ?? []
  const name = path === '' ? undefined : new RustReader(path).whole()
  return name === undefined ? undefined : name + suffix.replace(/^\.llvm\..*$/, '')
}

/** `3foo3bar` as `foo` and `bar`. */
function partsOf(text: string): string[] | undefined {
  const parts: string[] = []
  for (let at = 0; at < text.length; ) {
    const [digits = ''] = /^\d{1,4}/.exec(text.slice(at, at + 4)) ?? []
    const from = at + digits.length
    at = from + Number(digits)
    if (digits === '' || at > text.length || at === from) return undefined
    parts.push(text.slice(from, at))
  }
  return parts.length > 1 ? parts : undefined
}

function unescaped(part: string): string {
  const told = part.replace(/^_\$/, '$').replaceAll('..', '::')
  return told.replace(/\$(?:u([0-9a-f]{1,6})|([A-Z]{1,2}))\$/g, (whole, code?: string, word = '') => {
    const point = code === undefined ? Number.NaN : Number.parseInt(code, 16)
    if (point >= 0x20 && point < 0xd800) return String.fromCodePoint(point)
    return ESCAPES[word] ?? whole
  })
}
