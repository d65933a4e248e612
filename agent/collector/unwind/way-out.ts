import { type Instruction, instructionAt, LONGEST } from './x64-instruction.ts'

/** What code does to the stack on its way to its return, by register numbers as instructions have them: Intel SDM 2, table 2-2. */
export type Part =
  | { readonly does: 'pop'; readonly register: number }
  /** undefined: something else. */
  | { readonly does: 'push'; readonly register: number | undefined }
  /** The stack pointer becomes a register and a number. */
  | { readonly does: 'move'; readonly from: number; readonly by: number }
  /** A register gets what lies there. */
  | { readonly does: 'load'; readonly register: number; readonly from: number; readonly by: number }
  /** The frame pointer becomes the stack pointer. */
  | { readonly does: 'frame' }
  | { readonly does: 'leave' }
  | { readonly does: 'return' }

type Jump = { readonly does: 'jump'; readonly by: number } | { readonly does: 'branch'; readonly by: number }
type Effect = Part | Jump | 'nothing' | 'call' | 'stop'

export const SP = 4
export const FP = 5
/** What a function gives back as it got it: x86-64 psABI, figure 3.4. */
const KEPT = new Set([3, 5, 12, 13, 14, 15])
/** Instructions that are looked at on the way out of one function; bytes of code that are read at a time, and how often. */
const MOST_STEPS = 2_000
const WINDOW = 2_048
const MOST_WINDOWS = 32

/** Reads code from an address on: as much as there is of it. */
export type ReadCode = (at: number, most: number) => Promise<Buffer | undefined>

/** What is left to try: where it goes on, and what was done until then, the last first. */
interface Open {
  readonly at: number
  readonly done: Done | undefined
}
interface Done {
  readonly part: Part
  readonly before: Done | undefined
}

/**
 * What x86-64 code will do to the stack from an address on until it returns: whichever way it takes, a function leaves the stack as it found it, so the
 * first that is found tells. Calls come back, and change nothing. `isStraight`: only what neither calls nor jumps is looked at. Undefined where none is
 * found: it jumps to where only it knows, or never returns.
 */
export async function wayOut(read: ReadCode, from: number, isStraight: boolean): Promise<readonly Part[] | undefined> {
  const instructions = instructionsOf(read)
  const seen = new Set<number>()
  const open: Open[] = [{ at: from, done: undefined }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    let { at, done } = next
    while (!seen.has(at)) {
      seen.add(at)
      if (seen.size > MOST_STEPS) return undefined
      const instruction = await instructions(at)
      const effect = instruction === undefined ? 'stop' : effectOf(instruction)
      if (instruction === undefined || effect === 'stop') break
      at += instruction.bytes
      if (effect === 'nothing') continue
      if (effect === 'call') {
        // What never returns is called last: behind it lies no more of this function.
        if (isStraight || isBetween(await instructions(at))) break
        continue
      }
      if (effect.does === 'jump' || effect.does === 'branch') {
        if (isStraight) break
        if (effect.does === 'branch') open.push({ at: at + effect.by, done })
        else at += effect.by
        continue
      }
      const last: Done = { part: effect, before: done }
      if (effect.does === 'return') return inOrder(last)
      done = last
    }
  }
  return undefined
}

function inOrder(last: Done): readonly Part[] {
  const parts: Part[] = []
  for (let one: Done | undefined = last; one !== undefined; one = one.before) parts.push(one.part)
  return parts.reverse()
}

function instructionsOf(read: ReadCode): (at: number) => Promise<Instruction | undefined> {
  const windows: { readonly from: number; readonly code: Buffer | undefined }[] = []
  return async (at) => {
    let window = windows.find(({ from }) => at >= from && at < from + WINDOW)
    if (window === undefined && windows.length < MOST_WINDOWS) {
      window = { from: at, code: await read(at, WINDOW + LONGEST) }
      windows.push(window)
    }
    return window?.code && instructionAt(window.code, at - window.from)
  }
}

/** What fills the room between functions, and ENDBR64, at which one begins. */
function isBetween(instruction: Instruction | undefined): boolean {
  if (instruction === undefined) return true
  const { map, opcode, more, modrm } = instruction
  if (map === 0) return (opcode === 0x90 && more.base === 0) || opcode === 0xcc
  return map === 1 && (opcode === 0x1f || (opcode === 0x1e && modrm === 0xfa))
}

function effectOf(instruction: Instruction): Effect {
  const { map, opcode, immediate } = instruction
  if (map === 'vector' || map === 2 || map === 3) return 'nothing'
  if (map === 1) {
    // UD2, UD1, UD0; SYSCALL comes back.
    if (opcode === 0x0b || opcode === 0xb9 || opcode === 0xff) return 'stop'
    return opcode >> 4 === 8 ? { does: 'branch', by: immediate } : 'nothing'
  }
  switch (opcode) {
    case 0xc3:
    case 0xc2:
      return { does: 'return' }
    case 0xc9:
      return { does: 'leave' }
    case 0xe8:
      return 'call'
    case 0xe9:
    case 0xeb:
      return { does: 'jump', by: immediate }
    case 0x68:
    case 0x6a:
    case 0x9c:
      return { does: 'push', register: undefined }
    case 0x9d:
      return { does: 'move', from: SP, by: 8 }
    // HLT, INT3, ENTER, far returns, IRET.
    case 0xf4:
    case 0xcc:
    case 0xc8:
    case 0xca:
    case 0xcb:
    case 0xcf:
      return 'stop'
  }
  if (opcode >> 4 === 7 || (opcode >= 0xe0 && opcode <= 0xe3)) return { does: 'branch', by: immediate }
  const register = (opcode & 7) + instruction.more.base
  if (opcode >> 3 === 0x50 >> 3) return { does: 'push', register }
  if (opcode >> 3 === 0x58 >> 3) return register === SP ? 'stop' : { does: 'pop', register }
  // MOV of a number, and XCHG with RAX.
  if ((opcode >> 3 === 0xb8 >> 3 || opcode >> 3 === 0x90 >> 3) && register === SP) return 'stop'
  return instruction.modrm === undefined ? 'nothing' : ofOperands(instruction, instruction.modrm)
}

/** Which operand an instruction writes to: `rm` the one that may be in memory. */
function written(opcode: number, kind: number): 'rm' | 'reg' | 'none' {
  if (opcode < 0x38) return (opcode & 2) === 0 ? 'rm' : 'reg'
  if (opcode < 0x40 || opcode === 0x84 || opcode === 0x85) return 'none'
  if ([0x63, 0x69, 0x6b, 0x8a, 0x8b, 0x8d].includes(opcode)) return 'reg'
  if (opcode >= 0x80 && opcode <= 0x83) return kind === 7 ? 'none' : 'rm'
  return opcode >= 0xd8 && opcode <= 0xdf ? 'none' : 'rm'
}

function ofOperands(instruction: Instruction, modrm: number): Effect {
  const { opcode, more, sib, displacement: by, immediate, isWide } = instruction
  const kind = (modrm >> 3) & 7
  const [reg, isRegister] = [kind + more.reg, modrm >> 6 === 3]
  const rm = isRegister ? (modrm & 7) + more.base : undefined
  if (opcode === 0xff && kind === 2) return 'call'
  if (opcode === 0xff && kind === 6) return { does: 'push', register: undefined }
  if (opcode === 0xff && kind >= 3 && kind <= 5) return 'stop'
  if (opcode === 0x8f) return { does: 'move', from: SP, by: 8 }
  // Of an address on the stack: by which register, where no other one is added.
  const isPlain = !isRegister && (sib === undefined || ((sib >> 3) & 7) + more.index === SP)
  const base = isPlain && !(modrm >> 6 === 0 && (modrm & 7) === 5) ? ((sib ?? modrm) & 7) + more.base : undefined
  const from = base === SP || base === FP ? base : undefined
  if (opcode === 0x8b && isWide && from !== undefined && KEPT.has(reg)) return { does: 'load', register: reg, from, by }
  if (opcode === 0x89 && isWide && rm === FP && reg === SP) return { does: 'frame' }
  const target = written(opcode, kind) === 'rm' ? rm : written(opcode, kind) === 'reg' ? reg : undefined
  if (target !== SP) return opcode === 0x87 && reg === SP ? 'stop' : 'nothing'
  if (!isWide) return 'stop'
  if ((opcode === 0x83 || opcode === 0x81) && kind === 0) return { does: 'move', from: SP, by: immediate }
  if ((opcode === 0x83 || opcode === 0x81) && kind === 5) return { does: 'move', from: SP, by: -immediate }
  if (opcode === 0x8d && from !== undefined) return { does: 'move', from, by }
  if ((opcode === 0x89 && reg === FP) || (opcode === 0x8b && rm === FP)) return { does: 'move', from: FP, by: 0 }
  return 'stop'
}
