/** An instruction of x86-64, as far as a walk through code wants to know it: Intel SDM 2, chapter 2 and appendix A. */
export interface Instruction {
  readonly bytes: number
  /** 0: of one byte; 1: behind 0x0f; 2 and 3: behind 0x0f38 and 0x0f3a; 'vector': with a VEX or EVEX prefix, which no stack pointer has. */
  readonly map: 0 | 1 | 2 | 3 | 'vector'
  readonly opcode: number
  /** Whether it is of 64 bits (REX.W), and what REX adds to the numbers of its registers: 8, or nothing. */
  readonly isWide: boolean
  readonly more: { readonly reg: number; readonly index: number; readonly base: number }
  /** Its operands' byte and what follows that, where it has them. */
  readonly modrm?: number
  readonly sib?: number
  /** What is added to an address, and what stands in the code itself: signed, 0 where there is none. */
  readonly displacement: number
  readonly immediate: number
}

/** Longer ones are none. */
export const LONGEST = 15
const PREFIXES = new Set([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3])
/** What 64-bit code does not have. */
const NONE = new Set([
  0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x82, 0x9a, 0xce, 0xd4, 0xd5, 0xd6,
  0xea,
])

const isOneOf = (opcode: number, ...ranges: readonly (readonly [number, number])[]) =>
  ranges.some(([from, to]) => opcode >= from && opcode <= to)

/** The instruction at a place of some code; undefined where there is none, or not all of it. */
export function instructionAt(code: Buffer, from: number): Instruction | undefined {
  let at = from
  let [isNarrow, isShort] = [false, false]
  for (; PREFIXES.has(code[at] ?? 0); at += 1) {
    isNarrow ||= code[at] === 0x66
    isShort ||= code[at] === 0x67
  }
  const first = code[at] ?? 0
  const rex = first >> 4 === 4 ? first : 0
  if (rex !== 0) at += 1
  const { map, isVector, opcode, next } = opcodeAt(code, at)
  if (opcode === undefined || (map === 0 && NONE.has(opcode))) return undefined
  at = next
  const hasModrm = map === 0 ? ofOneByte(opcode) : map !== 1 || (isVector ? opcode !== 0x77 : behindEscape(opcode))
  const modrm = hasModrm ? code[at] : undefined
  if (hasModrm) at += 1
  const hasSib = modrm !== undefined && modrm >> 6 !== 3 && (modrm & 7) === 4
  const sib = hasSib ? code[at] : undefined
  if (hasSib) at += 1
  const ofAddress = modrm === undefined ? 0 : displacementBytes(modrm, sib)
  const isWide = (rex & 8) !== 0
  const ofCode = immediateBytes(map, opcode, { modrm: modrm ?? 0, isWide, isNarrow, isShort })
  const bytes = at + ofAddress + ofCode - from
  if (bytes > LONGEST || from + bytes > code.length) return undefined
  return {
    ...{ bytes, map: isVector ? 'vector' : map, opcode, isWide },
    more: { reg: (rex & 4) << 1, index: (rex & 2) << 2, base: (rex & 1) << 3 },
    ...(modrm !== undefined && { modrm }),
    ...(sib !== undefined && { sib }),
    displacement: signed(code, at, ofAddress),
    immediate: signed(code, at + ofAddress, ofCode),
  }
}

function opcodeAt(code: Buffer, at: number) {
  const first = code[at]
  const vector = (map: number, next: number) =>
    ({ map: (map > 3 ? 2 : map) as 0 | 1 | 2 | 3, isVector: true, opcode: code[next], next: next + 1 }) as const
  if (first === 0xc5) return vector(1, at + 2)
  if (first === 0xc4) return vector((code[at + 1] ?? 0) & 0x1f, at + 3)
  if (first === 0x62) return vector((code[at + 1] ?? 0) & 7, at + 4)
  if (first !== 0x0f) return { map: 0, isVector: false, opcode: first, next: at + 1 } as const
  const second = code[at + 1]
  if (second !== 0x38 && second !== 0x3a) return { map: 1, isVector: false, opcode: second, next: at + 2 } as const
  return { map: second === 0x38 ? 2 : 3, isVector: false, opcode: code[at + 2], next: at + 3 } as const
}

/** Whether operands follow. */
function ofOneByte(opcode: number): boolean {
  if (opcode < 0x40) return (opcode & 7) < 4
  const some = isOneOf(opcode, [0x63, 0x63], [0x69, 0x69], [0x6b, 0x6b], [0x80, 0x8f], [0xc0, 0xc1], [0xc6, 0xc7])
  return some || isOneOf(opcode, [0xd0, 0xd3], [0xd8, 0xdf], [0xf6, 0xf7], [0xfe, 0xff])
}

function behindEscape(opcode: number): boolean {
  const none = isOneOf(opcode, [0x05, 0x0b], [0x30, 0x37], [0x77, 0x77], [0x80, 0x8f], [0xa0, 0xa2], [0xa8, 0xaa])
  return !(none || isOneOf(opcode, [0xc8, 0xcf]))
}

function displacementBytes(modrm: number, sib: number | undefined): number {
  const mode = modrm >> 6
  if (mode === 1) return 1
  if (mode === 2) return 4
  const base = sib === undefined ? modrm & 7 : sib & 7
  return mode === 0 && base === 5 ? 4 : 0
}

interface Size {
  readonly modrm: number
  readonly isWide: boolean
  readonly isNarrow: boolean
  readonly isShort: boolean
}

function immediateBytes(map: number, opcode: number, { modrm, isWide, isNarrow, isShort }: Size): number {
  if (map === 3) return 1
  if (map === 2) return 0
  if (map === 1) {
    if (isOneOf(opcode, [0x80, 0x8f])) return 4
    return isOneOf(opcode, [0x70, 0x73], [0xa4, 0xa4], [0xac, 0xac], [0xba, 0xba], [0xc2, 0xc2], [0xc4, 0xc6]) ? 1 : 0
  }
  const full = isNarrow ? 2 : 4
  if (opcode < 0x40) return (opcode & 7) === 4 ? 1 : (opcode & 7) === 5 ? full : 0
  if (isOneOf(opcode, [0x68, 0x69], [0x81, 0x81], [0xa9, 0xa9], [0xc7, 0xc7])) return full
  if (isOneOf(opcode, [0xb8, 0xbf])) return isWide ? 8 : full
  if (isOneOf(opcode, [0xe8, 0xe9])) return 4
  if (isOneOf(opcode, [0xa0, 0xa3])) return isShort ? 4 : 8
  if (opcode === 0xc2 || opcode === 0xca) return 2
  if (opcode === 0xc8) return 3
  const isTest = (modrm & 0x38) < 0x10
  if (opcode === 0xf6 || opcode === 0xf7) return isTest ? (opcode === 0xf6 ? 1 : full) : 0
  const some = isOneOf(opcode, [0x6a, 0x6b], [0x70, 0x80], [0x83, 0x83], [0xa8, 0xa8], [0xb0, 0xb7], [0xc0, 0xc1])
  return some || isOneOf(opcode, [0xc6, 0xc6], [0xcd, 0xcd], [0xe0, 0xe7], [0xeb, 0xeb]) ? 1 : 0
}

function signed(code: Buffer, at: number, bytes: number): number {
  return bytes === 0 || bytes > 6 ? 0 : code.readIntLE(at, bytes)
}
