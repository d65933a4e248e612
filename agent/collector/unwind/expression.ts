import { Cursor } from './cursor.ts'
import { Damaged } from './image.ts'

/** Operations and values of an expression at most: those of compilers have some ten. */
const MOST_STEPS = 1024
const MOST_VALUES = 64

/** What an expression may look at. */
export interface Surroundings {
  /** The value of a register in the frame, by its DWARF number. */
  readonly register: (number: number) => bigint | undefined
  /** A number of some bytes in memory. */
  readonly memory: (address: bigint, bytes: number) => bigint | undefined
}

const u64 = (value: bigint) => BigInt.asUintN(64, value)
const i64 = (value: bigint) => BigInt.asIntN(64, value)

/**
 * What an expression of call frame information comes to: DWARF 5, 2.5. Undefined where memory or a register that it needs is not at hand.
 * Throws Damaged. `first`: what is on its stack when it begins.
 */
export function evaluate(expression: Buffer, first: readonly bigint[], around: Surroundings): bigint | undefined {
  const cursor = new Cursor(expression)
  const values = [...first]
  const pop = (): bigint => {
    const value = values.pop()
    if (value === undefined) throw new Damaged('an expression of call frame information has too few values')
    return value
  }
  const pick = (below: number): bigint => {
    const value = values.at(-1 - below)
    if (value === undefined) throw new Damaged('an expression of call frame information has too few values')
    return value
  }
  const push = (value: bigint) => void values.push(u64(value))
  const jump = (distance: number) => {
    const to = cursor.at + distance
    if (to < 0 || to > expression.length)
      throw new Damaged('an expression of call frame information jumps out of itself')
    cursor.at = to
  }

  for (let steps = 0; cursor.left > 0; steps += 1) {
    if (steps === MOST_STEPS || values.length > MOST_VALUES) {
      throw new Damaged('an expression of call frame information has no end')
    }
    const operation = cursor.u8()
    if (operation >= 0x30 && operation <= 0x4f) {
      push(BigInt(operation - 0x30))
      continue
    }
    if ((operation >= 0x70 && operation <= 0x8f) || operation === 0x92) {
      const value = around.register(operation === 0x92 ? cursor.uleb() : operation - 0x70)
      if (value === undefined) return undefined
      push(value + cursor.sleb64())
      continue
    }
    const binary = BINARY[operation]
    if (binary !== undefined) {
      const right = pop()
      push(binary(pop(), right))
      continue
    }
    switch (operation) {
      case 0x03: // addr
        push(cursor.u64())
        break
      case 0x06: // deref
      case 0x94: {
        // deref_size
        const bytes = operation === 0x06 ? 8 : cursor.u8()
        if (![1, 2, 4, 8].includes(bytes)) throw new Damaged('an expression of call frame information reads odd bytes')
        const value = around.memory(pop(), bytes)
        if (value === undefined) return undefined
        push(value)
        break
      }
      case 0x08: // const1u
        push(BigInt(cursor.u8()))
        break
      case 0x09: // const1s
        push(BigInt(cursor.i8()))
        break
      case 0x0a: // const2u
        push(BigInt(cursor.u16()))
        break
      case 0x0b: // const2s
        push(BigInt(cursor.i16()))
        break
      case 0x0c: // const4u
        push(BigInt(cursor.u32()))
        break
      case 0x0d: // const4s
        push(BigInt(cursor.i32()))
        break
      case 0x0e: // const8u
        push(cursor.u64())
        break
      case 0x0f: // const8s
        push(cursor.i64())
        break
      case 0x10: // constu
        push(cursor.uleb64())
        break
      case 0x11: // consts
        push(cursor.sleb64())
        break
      case 0x12: // dup
        push(pick(0))
        break
      case 0x13: // drop
        pop()
        break
      case 0x14: // over
        push(pick(1))
        break
      case 0x15: // pick
        push(pick(cursor.u8()))
        break
      case 0x16: {
        // swap
        const [top, below] = [pop(), pop()]
        values.push(top, below)
        break
      }
      case 0x17: {
        // rot
        const [top, second, third] = [pop(), pop(), pop()]
        values.push(top, third, second)
        break
      }
      case 0x19: {
        // abs
        const value = i64(pop())
        push(value < 0n ? -value : value)
        break
      }
      case 0x1f: // neg
        push(-pop())
        break
      case 0x20: // not
        push(~pop())
        break
      case 0x23: // plus_uconst
        push(pop() + cursor.uleb64())
        break
      case 0x28: {
        // bra
        const distance = cursor.i16()
        if (pop() !== 0n) jump(distance)
        break
      }
      case 0x2f: // skip
        jump(cursor.i16())
        break
      case 0x96: // nop
        break
      default:
        throw new Damaged(`an expression of call frame information has an unknown operation, ${operation}`)
    }
  }
  return pop()
}

/** Operations on the two topmost values: below, top. Division and comparisons are signed, the remainder is not. */
const BINARY: Readonly<Record<number, (left: bigint, right: bigint) => bigint>> = {
  26: (left, right) => left & right,
  27: (left, right) => i64(left) / i64(divisor(right)),
  28: (left, right) => left - right,
  29: (left, right) => left % divisor(right),
  30: (left, right) => left * right,
  33: (left, right) => left | right,
  34: (left, right) => left + right,
  36: (left, right) => (right < 64n ? left << right : 0n),
  37: (left, right) => (right < 64n ? left >> right : 0n),
  38: (left, right) => i64(left) >> (right < 64n ? right : 63n),
  39: (left, right) => left ^ right,
  41: (left, right) => truth(left === right),
  42: (left, right) => truth(i64(left) >= i64(right)),
  43: (left, right) => truth(i64(left) > i64(right)),
  44: (left, right) => truth(i64(left) <= i64(right)),
  45: (left, right) => truth(i64(left) < i64(right)),
  46: (left, right) => truth(left !== right),
}

const truth = (holds: boolean) => (holds ? 1n : 0n)

function divisor(value: bigint): bigint {
  if (value === 0n) throw new Damaged('an expression of call frame information divides by zero')
  return value
}
