import type { Caller, ReadNumber } from './by-cfi.ts'
import type { Architecture, Registers } from './registers.ts'

/** Bytes of code that are looked at: an epilogue gives back a frame and six registers. */
export const EPILOGUE_BYTES = 32
const WORD = 8n
/** DWARF numbers of the registers in the order in which instructions have them: Intel SDM 2, table 2-2; x86-64 psABI, figure 3.36. */
const ENCODED = [0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15]

/** What an epilogue is made of: Intel SDM 2, by instruction. `at`: where its number is. */
type Part =
  | { readonly does: 'pop'; readonly bytes: number; readonly register: number }
  | { readonly does: 'move'; readonly bytes: number; readonly from: 'sp' | 'fp'; readonly by: number }
  | { readonly does: 'leave' | 'return'; readonly bytes: number }

/**
 * The caller's registers on x86-64, where the code from here on does nothing but give its frame back and return: as behind the call of what only calls
 * something else, like the trampolines that Python makes for perf(1). Nothing tells of such code; but it is what will be done, so this is no guess.
 */
export function byEpilogue(
  code: Buffer,
  registers: Registers,
  { pc, sp, fp }: Architecture,
  memory: ReadNumber,
): Caller {
  const state = [...registers]
  const pop = (into: number) => {
    const stack = state[sp]
    state[into] = stack && memory(stack, 8)
    state[sp] = stack && stack + WORD
  }
  for (let at = 0; ; ) {
    const part = partAt(code.subarray(at))
    if (part === undefined) return { kind: 'none' }
    at += part.bytes
    if (part.does === 'move') state[sp] = moved(state[part.from === 'sp' ? sp : fp], part.by)
    if (part.does === 'leave') state[sp] = state[fp]
    if (part.does === 'leave') pop(fp)
    if (part.does === 'pop') pop(ENCODED[part.register] as number)
    if (part.does !== 'return') continue
    pop(pc)
    return state[pc] === undefined ? { kind: 'none' } : { kind: 'caller', registers: state }
  }
}

const moved = (from: bigint | undefined, by: number) => from && BigInt.asUintN(64, from + BigInt(by))

function partAt(code: Buffer): Part | undefined {
  const starts = (...bytes: readonly number[]) => bytes.every((byte, index) => code[index] === byte)
  const has = (bytes: number) => code.length >= bytes
  // RET, also with a prefix that branch predictors of old wanted; VZEROUPPER, which leaves the stack alone, is as good as nothing moved.
  if (starts(0xc3)) return { does: 'return', bytes: 1 }
  if (starts(0xf3, 0xc3)) return { does: 'return', bytes: 2 }
  if (starts(0xc9)) return { does: 'leave', bytes: 1 }
  if (starts(0xc5, 0xf8, 0x77)) return { does: 'move', bytes: 3, from: 'sp', by: 0 }
  // ADD RSP; LEA RSP, [RSP + …]; LEA RSP, [RBP - …]; MOV RSP, RBP.
  if (starts(0x48, 0x83, 0xc4) && has(4)) return { does: 'move', bytes: 4, from: 'sp', by: code.readInt8(3) }
  if (starts(0x48, 0x81, 0xc4) && has(7)) return { does: 'move', bytes: 7, from: 'sp', by: code.readInt32LE(3) }
  if (starts(0x48, 0x8d, 0x64, 0x24) && has(5)) return { does: 'move', bytes: 5, from: 'sp', by: code.readInt8(4) }
  if (starts(0x48, 0x8d, 0x65) && has(4)) return { does: 'move', bytes: 4, from: 'fp', by: code.readInt8(3) }
  if (starts(0x48, 0x89, 0xec)) return { does: 'move', bytes: 3, from: 'fp', by: 0 }
  const [isWide, opcode = 0] = code[0] === 0x41 ? [true, code[1]] : [false, code[0]]
  if (opcode >> 3 !== 0x58 >> 3) return undefined
  return { does: 'pop', bytes: isWide ? 2 : 1, register: (opcode & 7) + (isWide ? 8 : 0) }
}
