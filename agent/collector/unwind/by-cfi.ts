import { evaluate, type Surroundings } from './expression.ts'
import type { FrameRow, RegisterRule } from './frame-row.ts'
import type { Architecture, Registers } from './registers.ts'

/** What a way to the caller gives: its registers, with its pc; or why there are none. */
export type Caller =
  | { readonly kind: 'caller'; readonly registers: Registers }
  | { readonly kind: 'outermost' }
  | { readonly kind: 'unreadable'; readonly address: number }
  /** This way leads nowhere, another one may. */
  | { readonly kind: 'none' }

/** Reads a number of some bytes; undefined where it is not at hand. */
export type ReadNumber = (address: bigint, bytes: number) => bigint | undefined

const NONE: Caller = { kind: 'none' }

/**
 * The caller's registers by call frame information. `isExact`: whether pc is the instruction itself, so that the return address may still be
 * in its register. Throws Damaged, where an expression is.
 */
export function byCfi(
  row: FrameRow,
  registers: Registers,
  { count, pc, sp, link }: Architecture,
  memory: ReadNumber,
  isExact: boolean,
): Caller {
  const around: Surroundings = { register: (number) => registers[number], memory }
  const { frameAddress, rules, returnRegister } = row
  const frame = frameAddressOf()
  if (frame === undefined) return NONE
  if (rules.get(returnRegister)?.kind === 'undefined') return { kind: 'outermost' }
  if (link !== undefined && !isExact && !isSaved(rules.get(returnRegister))) return NONE

  const caller = [...registers]
  caller[sp] = frame
  for (const [number, rule] of rules) if (number < count) caller[number] = follow(number, rule)
  const back = returnRegister < count ? caller[returnRegister] : undefined
  if (back === undefined) {
    const rule = rules.get(returnRegister)
    return rule?.kind === 'at' ? { kind: 'unreadable', address: Number(wrapped(frame, rule.offset)) } : NONE
  }
  caller[pc] = back
  return { kind: 'caller', registers: caller }

  function frameAddressOf(): bigint | undefined {
    if (frameAddress.kind === 'expression') return evaluate(frameAddress.expression, [], around)
    const from = registers[frameAddress.register]
    return from === undefined ? undefined : wrapped(from, frameAddress.offset)
  }

  function follow(number: number, rule: RegisterRule): bigint | undefined {
    const from = frame as bigint
    switch (rule.kind) {
      case 'undefined':
        return undefined
      case 'same':
        return registers[number]
      case 'register':
        return registers[rule.register]
      case 'at':
        return memory(wrapped(from, rule.offset), 8)
      case 'is':
        return wrapped(from, rule.offset)
      case 'is-expression':
        return evaluate(rule.expression, [from], around)
      case 'at-expression': {
        const at = evaluate(rule.expression, [from], around)
        return at === undefined ? undefined : memory(at, 8)
      }
    }
  }
}

const isSaved = (rule: RegisterRule | undefined) => rule !== undefined && rule.kind !== 'same'
const wrapped = (from: bigint, offset: number) => BigInt.asUintN(64, from + BigInt(offset))
