import t from 'tap'
import { byCfi } from '../../../agent/collector/unwind/by-cfi.ts'
import type { CommonEntry } from '../../../agent/collector/unwind/frame-entry.ts'
import { rowAt } from '../../../agent/collector/unwind/frame-row.ts'
import { Damaged } from '../../../agent/collector/unwind/image.ts'
import { ARCHITECTURES } from '../../../agent/collector/unwind/registers.ts'

/** A function at 0x1000, whose instructions stand behind those that all share: the frame at rsp+8, the return address below. */
const SHARED = [0x0c, 7, 8, 0x90, 1]
const common = (instructions: readonly number[], dataAlign = -8): CommonEntry => ({
  ...{ codeAlign: 1, dataAlign, returnRegister: 16, pointers: 0x1b, augmented: true, isSignal: false },
  instructions: { bytes: Buffer.from(instructions), address: 0 },
})
const row = (at: number, instructions: readonly number[], shared = SHARED) =>
  rowAt(
    {
      common: common(shared),
      start: 0x1000,
      end: 0x2000,
      instructions: { bytes: Buffer.from(instructions), address: 0x500 },
    },
    at,
  )
const register = (number: number, offset: number) => ({ kind: 'register', register: number, offset })
const rules = (at: number, instructions: readonly number[]) => Object.fromEntries(row(at, instructions).rules)
const RETURN = { 16: { kind: 'at', offset: -8 } }

t.test('the frame moves on the way through a function', async (t) => {
  // push rbp; mov rbp, rsp; …; leave
  const instructions = [0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6, 0x02, 0x20, 0x0c, 7, 8]
  t.same(row(0x1000, instructions).frameAddress, register(7, 8))
  t.same(row(0x1001, instructions).frameAddress, register(7, 16))
  t.same(rules(0x1003, instructions), { ...RETURN, 6: { kind: 'at', offset: -16 } })
  t.same(row(0x1004, instructions).frameAddress, register(6, 16))
  t.same(row(0x1023, instructions).frameAddress, register(6, 16))
  t.same(row(0x1024, instructions).frameAddress, register(7, 8))
})

t.test('each instruction', async (t) => {
  const frame = (instructions: readonly number[]) => row(0x1fff, instructions).frameAddress
  t.same(frame([0x0c, 0x86, 0x01, 0x80, 0x02]), register(134, 256), 'def_cfa')
  t.same(frame([0x12, 6, 0x7e]), register(6, 16), 'def_cfa_sf')
  t.same(frame([0x13, 0x7d]), register(7, 24), 'def_cfa_offset_sf')
  t.same(frame([0x0f, 2, 0x77, 8]), { kind: 'expression', expression: Buffer.from([0x77, 8]) }, 'def_cfa_expression')
  t.same(frame([0x2e, 0x90, 1, 0x00]), register(7, 8), 'GNU_args_size, nop')
  t.same(frame([0x03, 0x00, 0x10, 0x0e, 99]), register(7, 8), 'advance_loc2 beyond')
  t.same(frame([0x04, 0xff, 0x0f, 0, 0, 0x0e, 99]), register(7, 99), 'advance_loc4 up to')
  t.same(frame([0x01, 0xff, 0x1a, 0, 0, 0x0e, 99]), register(7, 8), 'set_loc, relative to where it stands, beyond')
  t.same(frame([0x01, 0xfe, 0x1a, 0, 0, 0x0e, 99]), register(7, 99), 'set_loc up to')

  const rule = (instructions: readonly number[], number = 3) => row(0x1fff, instructions).rules.get(number)
  t.same(rule([0x83, 4]), { kind: 'at', offset: -32 }, 'offset')
  t.same(rule([0x05, 3, 4]), { kind: 'at', offset: -32 }, 'offset_extended')
  t.same(rule([0x11, 3, 0x7c]), { kind: 'at', offset: 32 }, 'offset_extended_sf')
  t.same(rule([0x2f, 3, 4]), { kind: 'at', offset: 32 }, 'GNU_negative_offset_extended')
  t.same(rule([0x14, 3, 4]), { kind: 'is', offset: -32 }, 'val_offset')
  t.same(rule([0x15, 3, 0x7c]), { kind: 'is', offset: 32 }, 'val_offset_sf')
  t.same(rule([0x07, 3]), { kind: 'undefined' }, 'undefined')
  t.same(rule([0x08, 3]), { kind: 'same' }, 'same_value')
  t.same(rule([0x09, 3, 12]), { kind: 'register', register: 12 }, 'register')
  t.same(rule([0x10, 3, 1, 0x9c]), { kind: 'at-expression', expression: Buffer.from([0x9c]) }, 'expression')
  t.same(rule([0x16, 3, 1, 0x9c]), { kind: 'is-expression', expression: Buffer.from([0x9c]) }, 'val_expression')
  t.same(rule([0x83, 4, 0xc3]), undefined, 'restore')
  t.same(rule([0x83, 4, 0x06, 3]), undefined, 'restore_extended')
  t.same(rule([0x90, 4, 0xd0], 16), { kind: 'at', offset: -8 }, 'restore what all share')
  t.same(rule([0x2c, 0x2d]), undefined, 'AARCH64_negate_ra_state')
})

t.test('a state is remembered with its frame, and comes back', async (t) => {
  const instructions = [0x83, 2, 0x0a, 0x83, 4, 0x0e, 64, 0x0a, 0x0e, 80, 0x0b, 0x41, 0x0b]
  t.same(row(0x1000, instructions).frameAddress, register(7, 64))
  t.same(rules(0x1000, instructions)[3], { kind: 'at', offset: -32 })
  t.same(row(0x1001, instructions).frameAddress, register(7, 8))
  t.same(rules(0x1001, instructions)[3], { kind: 'at', offset: -16 })
})

t.test('what is none of these is damaged', async (t) => {
  const wrong: Record<string, number[]> = {
    unknown: [0x3f],
    'cut off': [0x0e],
    'a number without end': [0x0e, ...Array<number>(11).fill(0x80)],
    'a register of an expression': [0x0f, 1, 0x9c, 0x0e, 8],
    'back to nothing': [0x0b],
    'remembered without end': Array<number>(70).fill(0x0a),
    'an expression that is longer than all': [0x0f, 0x7f],
    'a number larger than any file': [0x0e, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
  }
  for (const [what, instructions] of Object.entries(wrong)) t.throws(() => row(0x1fff, instructions), Damaged, what)
  t.throws(() => row(0x1fff, [], [0x90, 1]), Damaged, 'no frame at all')
})

t.test('registers of the caller', async (t) => {
  const memory = new Map([
    [0x7000n + 8n - 8n, 0x4444n],
    [0x7000n + 8n - 16n, 0x5555n],
  ])
  const registers = Array.from({ length: 17 }, (_, number) => BigInt(number))
  registers[7] = 0x7000n
  const caller = (instructions: readonly number[], isExact = true) =>
    byCfi(row(0x1fff, instructions), registers, ARCHITECTURES.x64, (address) => memory.get(address), isExact)
  const told = (instructions: readonly number[]) => {
    const found = caller(instructions)
    return found.kind === 'caller' ? found.registers : []
  }
  t.same(told([0x86, 2])[16], 0x4444n, 'return address')
  t.same(told([0x86, 2])[7], 0x7008n, 'stack pointer')
  t.same(told([0x86, 2])[6], 0x5555n, 'saved register')
  t.same(told([0x86, 3])[6], undefined, 'one that is not at hand costs itself alone')
  t.same(told([])[3], 3n, 'one that nothing is said of')
  t.same(told([0x09, 3, 12])[3], 12n)
  t.same(told([0x14, 3, 1])[3], 0x7000n)
  t.same(told([0x16, 7, 2, 0x23, 0x10])[7], 0x7018n, 'by an expression, of the frame')
  t.same(told([0x10, 3, 2, 0x38, 0x1c])[3], 0x4444n, 'at an expression')
  t.same(caller([0x07, 16]), { kind: 'outermost' })
  t.same(caller([0x90, 3]), { kind: 'unreadable', address: 0x7008 - 24 })
  t.same(caller([0x0f, 3, 0x77, 0x10, 0x06]), { kind: 'none' }, 'a frame that depends on memory that is not at hand')
})

t.test('on arm64 the return address is in its register only where nothing was called yet', async (t) => {
  const registers = Array.from({ length: 33 }, () => 0x8000n)
  const entry = {
    common: { ...common([0x0c, 31, 0]), returnRegister: 30 },
    ...{ start: 0, end: 16, instructions: { bytes: Buffer.alloc(0), address: 0 } },
  }
  const caller = (isExact: boolean) =>
    byCfi(rowAt(entry, 0), registers, ARCHITECTURES.arm64, () => undefined, isExact).kind
  t.equal(caller(true), 'caller')
  t.equal(caller(false), 'none')
})
