import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { Unwound } from '../../../agent/collector/unwind/frame.ts'

const PAGE = 4096
/** Kept of a program: what is not read again is zeros. */
const KEPT_SECTIONS = ['.eh_frame', '.eh_frame_hdr', '.shstrtab']

const path = (name: string, kind: string) => join(import.meta.dirname, 'golden', `${name}.${kind}`)

/** A stack-only core, the static program that it is of, and its frames as gdb had them. */
export function golden(name: string) {
  const [core, program] = ['core.zst', 'program.zst'].map((kind) => zstdDecompressSync(readFileSync(path(name, kind))))
  return {
    core: core as Buffer,
    program: program as Buffer,
    frames: JSON.parse(readFileSync(path(name, 'json'), 'utf8')),
  }
}

/** What is compared of the stacks of a process. */
export function told(unwound: ReadonlyMap<number, Unwound>) {
  return [...unwound].map(([tid, { frames, end, damaged }]) => {
    return { tid, pcs: frames.map(({ pc }) => pc.toString(16)).join(' '), end: end.why, damaged }
  })
}

/** Keeps what gdb has just judged, where LASTGASP_RECORD is set. */
export function record(name: string, core: Buffer, program: string, unwound: ReadonlyMap<number, Unwound>): void {
  if (process.env.LASTGASP_RECORD === undefined) return
  writeFileSync(path(name, 'core.zst'), zstdCompressSync(core))
  writeFileSync(path(name, 'program.zst'), zstdCompressSync(hollow(program)))
  writeFileSync(path(name, 'json'), `${JSON.stringify(told(unwound), null, 2)}\n`)
}

/** A program of which there is only what an unwinder reads: headers, call frame information, the first pages of its own code. */
function hollow(program: string): Buffer {
  const file = readFileSync(program)
  const told = execFileSync('readelf', ['-SW', program], { encoding: 'utf8' })
  const kept = Buffer.alloc(file.length)
  file.copy(kept, 0, 0, PAGE)
  const sections = Number(file.readBigUInt64LE(40))
  file.copy(kept, sections, sections)
  for (const [, name = '', at = '', size = ''] of told.matchAll(/\] (\.\S+) +\S+ +\S+ (\S+) (\S+) /g)) {
    const from = Number.parseInt(at, 16)
    const length = name === '.text' ? 2 * PAGE : Number.parseInt(size, 16)
    if (name === '.text' || KEPT_SECTIONS.includes(name)) file.copy(kept, from, from, from + length)
  }
  return kept
}
