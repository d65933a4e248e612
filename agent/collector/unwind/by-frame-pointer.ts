import type { Caller, ReadNumber } from './by-cfi.ts'
import type { Architecture, Registers } from './registers.ts'

/** Bytes of a frame record: the caller's frame pointer, the return address. On x86-64 the caller's stack goes on behind it. */
const RECORD = 16n
const WORD = 8n

/**
 * The caller's registers by the frame pointer, whose record lies in the frame: x86-64 psABI 3.2.2, AAPCS64 6.4.6. On arm64 it does not tell
 * where the caller's stack pointer is: that is unknown then.
 */
export function byFramePointer(registers: Registers, { pc, sp, fp, link }: Architecture, memory: ReadNumber): Caller {
  const [pointer, stack] = [registers[fp], registers[sp]]
  const isRecord = pointer !== undefined && pointer % WORD === 0n && (stack === undefined || pointer >= stack)
  if (!isRecord) return { kind: 'none' }
  const [before, back] = [memory(pointer, 8), memory(pointer + WORD, 8)]
  if (before === undefined || back === undefined) return { kind: 'none' }
  if (back === 0n) return { kind: 'outermost' }
  const caller = [...registers]
  caller[pc] = back
  caller[fp] = before
  caller[sp] = link === undefined ? pointer + RECORD : undefined
  return { kind: 'caller', registers: caller }
}

/** The caller's registers where a call has just been made, or the function keeps nothing on its stack. */
export function byCall(registers: Registers, { pc, sp, link }: Architecture, memory: ReadNumber): Caller {
  const stack = registers[sp]
  const back = link === undefined ? stack && memory(stack, 8) : registers[link]
  if (stack === undefined || back === undefined || back === 0n) return { kind: 'none' }
  const caller = [...registers]
  caller[pc] = back
  caller[sp] = link === undefined ? stack + WORD : stack
  return { kind: 'caller', registers: caller }
}

/** Bytes before a return address that show whether a call stands there. */
export const CALL_BYTES = 7
/** Where an indirect call can begin (0xff /2, by length), counted from the return address: Intel SDM 2, CALL. */
const INDIRECT = [2, 3, 4, 6, 7]

/** Whether the code before a return address is a call, so that it can be one. */
export function endsInCall(code: Buffer, { link }: Architecture): boolean {
  if (code.length < CALL_BYTES) return false
  if (link === undefined) {
    const isIndirect = (back: number) => code.at(-back) === 0xff && (((code.at(1 - back) as number) >> 3) & 7) === 2
    return code.at(-5) === 0xe8 || INDIRECT.some(isIndirect)
  }
  const instruction = code.readUInt32LE(code.length - 4)
  // BL; BLR and its kinds with a signature: Arm ARM, C6.2.
  return instruction >>> 26 === 0b100101 || (instruction & 0xfefff000) >>> 0 === 0xd63f0000
}
