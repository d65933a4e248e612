import { createHash } from 'node:crypto'
import type { NamedFrame } from '../../unwind/frame.ts'
import { ownFunction, type PlainFrame } from './own-function.ts'

/** Of the rules in FINGERPRINT.md: who changes what a fingerprint is made of begins a new one. */
const VERSION = 1
/** Functions that it is made of: callers further out are many ways to one fault. */
const FUNCTIONS = 5
/** Digits of SHA-256. */
const DIGITS = 16

/** What crashes, or hangs, at the same place have in common: of these threads' frames, innermost first. Undefined where none is the program's own. */
export function fingerprintOf(threads: readonly (readonly PlainFrame[])[]): string | undefined {
  const texts = threads.map(textOf).filter((text) => text !== '')
  const [first] = texts.sort()
  if (first === undefined) return undefined
  return `${VERSION}-${createHash('sha256').update(first).digest('hex').slice(0, DIGITS)}`
}

/** A line for each function, where it stands first: how deep a recursion is does not count. */
function textOf(frames: readonly PlainFrame[]): string {
  const own = new Set(frames.flatMap((frame) => ownFunction(frame) ?? []))
  return [...own]
    .slice(0, FUNCTIONS)
    .map((line) => `${line}\n`)
    .join('')
}

/** Frames that were unwound here, plainly. */
export function plainFrames(frames: readonly NamedFrame[]): readonly PlainFrame[] {
  return frames.map(({ module, name, pc }) => ({
    ...(module !== undefined && { module: module.path, offset: pc - module.bias - lowest(module.image.loads) }),
    ...(name !== undefined && { function: name.function }),
  }))
}

/** Where a file begins in its own addresses: programs that are loaded at a fixed place do not begin at 0. */
function lowest(loads: readonly { readonly address: number }[]): number {
  const address = Math.min(...loads.map(({ address }) => address))
  return Number.isFinite(address) ? address - (address % PAGE_BYTES) : 0
}

const PAGE_BYTES = 4096
