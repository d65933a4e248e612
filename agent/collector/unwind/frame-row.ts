import { Cursor } from './cursor.ts'
import type { CommonEntry, FunctionEntry, Instructions } from './frame-entry.ts'
import { Damaged } from './image.ts'

/** How the Canonical Frame Address is found: the stack pointer before the call. DWARF 5, 6.4.1. */
export type FrameAddressRule =
  | { readonly kind: 'register'; readonly register: number; readonly offset: number }
  | { readonly kind: 'expression'; readonly expression: Buffer }

/** How the caller's value of a register is found: where it lies, or what it is, from the frame's address or by an expression; or in which register. */
export type RegisterRule =
  | { readonly kind: 'undefined' | 'same' }
  | { readonly kind: 'at' | 'is'; readonly offset: number }
  | { readonly kind: 'register'; readonly register: number }
  | { readonly kind: 'at-expression' | 'is-expression'; readonly expression: Buffer }

/** How to get from a frame to its caller's, at one address. */
export interface FrameRow {
  readonly frameAddress: FrameAddressRule
  readonly rules: ReadonlyMap<number, RegisterRule>
  readonly returnRegister: number
  readonly isSignal: boolean
}

/** States that are remembered one above the other: compilers remember one. */
const MOST_REMEMBERED = 64
/** Registers beyond are vectors, which nobody follows: x86-64 psABI figure 3.36, AAPCS64's DWARF. */
const HIGHEST_REGISTER = 128

interface State {
  frameAddress: FrameAddressRule | undefined
  rules: Map<number, RegisterRule>
}

/** Runs the instructions of a function up to an address in it. Throws Damaged. */
export function rowAt({ common, start, instructions }: FunctionEntry, address: number): FrameRow {
  const state: State = { frameAddress: undefined, rules: new Map() }
  run(common, common.instructions, state, new Map(), start, Number.POSITIVE_INFINITY)
  const first = new Map(state.rules)
  run(common, instructions, state, first, start, address)
  const { frameAddress, rules } = state
  if (frameAddress === undefined) throw new Damaged('call frame information does not say where a frame begins')
  return { frameAddress, rules, returnRegister: common.returnRegister, isSignal: common.isSignal }
}

function run(
  { codeAlign, dataAlign, pointers }: CommonEntry,
  { bytes, address }: Instructions,
  state: State,
  first: ReadonlyMap<number, RegisterRule>,
  start: number,
  target: number,
): void {
  const cursor = new Cursor(bytes, address)
  const remembered: State[] = []
  let here = start

  const set = (register: number, rule: RegisterRule | undefined) => {
    if (register > HIGHEST_REGISTER) return
    if (rule === undefined) state.rules.delete(register)
    else state.rules.set(register, rule)
  }
  const block = () => cursor.take(cursor.uleb())
  const advance = (distance: number) => {
    here += distance * codeAlign
  }

  while (cursor.left > 0 && here <= target) {
    const opcode = cursor.u8()
    const low = opcode & 0x3f
    switch (opcode & 0xc0) {
      case 0x40: // advance_loc
        advance(low)
        continue
      case 0x80: // offset
        set(low, { kind: 'at', offset: cursor.uleb() * dataAlign })
        continue
      case 0xc0: // restore
        set(low, first.get(low))
        continue
    }
    switch (opcode) {
      case 0x00: // nop
        break
      case 0x01: // set_loc
        here = cursor.pointer(pointers)
        break
      case 0x02: // advance_loc1
        advance(cursor.u8())
        break
      case 0x03: // advance_loc2
        advance(cursor.u16())
        break
      case 0x04: // advance_loc4
        advance(cursor.u32())
        break
      case 0x05: // offset_extended
        set(cursor.uleb(), { kind: 'at', offset: cursor.uleb() * dataAlign })
        break
      case 0x06: {
        // restore_extended
        const register = cursor.uleb()
        set(register, first.get(register))
        break
      }
      case 0x07: // undefined
        set(cursor.uleb(), { kind: 'undefined' })
        break
      case 0x08: // same_value
        set(cursor.uleb(), { kind: 'same' })
        break
      case 0x09: // register
        set(cursor.uleb(), { kind: 'register', register: cursor.uleb() })
        break
      case 0x0a: // remember_state
        if (remembered.length === MOST_REMEMBERED) throw new Damaged('call frame information remembers without end')
        remembered.push({ frameAddress: state.frameAddress, rules: new Map(state.rules) })
        break
      case 0x0b: {
        // restore_state
        const before = remembered.pop()
        if (before === undefined) throw new Damaged('call frame information goes back to a state that it never was in')
        state.frameAddress = before.frameAddress
        state.rules = before.rules
        break
      }
      case 0x0c: // def_cfa
        state.frameAddress = { kind: 'register', register: cursor.uleb(), offset: cursor.uleb() }
        break
      case 0x0d: // def_cfa_register
        state.frameAddress = { kind: 'register', register: cursor.uleb(), offset: offsetOf(state) }
        break
      case 0x0e: // def_cfa_offset
        state.frameAddress = { kind: 'register', register: registerOf(state), offset: cursor.uleb() }
        break
      case 0x0f: // def_cfa_expression
        state.frameAddress = { kind: 'expression', expression: block() }
        break
      case 0x10: // expression
        set(cursor.uleb(), { kind: 'at-expression', expression: block() })
        break
      case 0x11: // offset_extended_sf
        set(cursor.uleb(), { kind: 'at', offset: cursor.sleb() * dataAlign })
        break
      case 0x12: // def_cfa_sf
        state.frameAddress = { kind: 'register', register: cursor.uleb(), offset: cursor.sleb() * dataAlign }
        break
      case 0x13: // def_cfa_offset_sf
        state.frameAddress = { kind: 'register', register: registerOf(state), offset: cursor.sleb() * dataAlign }
        break
      case 0x14: // val_offset
        set(cursor.uleb(), { kind: 'is', offset: cursor.uleb() * dataAlign })
        break
      case 0x15: // val_offset_sf
        set(cursor.uleb(), { kind: 'is', offset: cursor.sleb() * dataAlign })
        break
      case 0x16: // val_expression
        set(cursor.uleb(), { kind: 'is-expression', expression: block() })
        break
      case 0x2c: // AARCH64_negate_ra_state_with_pc
      case 0x2d: // AARCH64_negate_ra_state: signatures are taken from addresses whether they were signed or not.
        break
      case 0x2e: // GNU_args_size
        cursor.uleb()
        break
      case 0x2f: // GNU_negative_offset_extended
        set(cursor.uleb(), { kind: 'at', offset: -cursor.uleb() * dataAlign })
        break
      default:
        throw new Damaged(`call frame information has an unknown instruction, ${opcode}`)
    }
  }
}

function registerOf({ frameAddress }: State): number {
  if (frameAddress?.kind !== 'register') throw new Damaged('call frame information moves a frame that has no register')
  return frameAddress.register
}

function offsetOf({ frameAddress }: State): number {
  if (frameAddress?.kind !== 'register') throw new Damaged('call frame information moves a frame that has no register')
  return frameAddress.offset
}
