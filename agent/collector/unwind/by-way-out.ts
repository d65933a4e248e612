import type { Caller, ReadNumber } from './by-cfi.ts'
import type { Architecture, Registers } from './registers.ts'
import { FP, type Part, SP } from './way-out.ts'

const WORD = 8n
/** DWARF numbers of the registers in the order in which instructions have them: Intel SDM 2, table 2-2; x86-64 psABI, figure 3.36. */
const ENCODED = [0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15]
const numberOf = (register: number): number => ENCODED[register] as number

/** The caller's registers, as they will be when the code has gone its way out (way-out.ts). It is what will be done, so it is no guess. */
export function byWayOut(
  parts: readonly Part[],
  registers: Registers,
  { pc }: Architecture,
  memory: ReadNumber,
): Caller {
  const [sp, fp] = [numberOf(SP), numberOf(FP)]
  const state = [...registers]
  /** What will lie there then: it is not on the stack yet. */
  const pushed = new Map<bigint, bigint | undefined>()
  const at = (from: number, by: number) => moved(state[numberOf(from)], BigInt(by))
  const lying = (place: bigint | undefined) =>
    place === undefined || pushed.has(place) ? pushed.get(place ?? 0n) : memory(place, 8)
  const pop = (into: number) => {
    const stack = state[sp]
    state[into] = lying(stack)
    state[sp] = moved(stack, WORD)
  }
  for (const part of parts) {
    switch (part.does) {
      case 'pop':
        pop(numberOf(part.register))
        break
      case 'push': {
        const place = moved(state[sp], -WORD)
        if (place !== undefined)
          pushed.set(place, part.register === undefined ? undefined : state[numberOf(part.register)])
        state[sp] = place
        break
      }
      case 'move':
        state[sp] = at(part.from, part.by)
        break
      case 'load':
        state[numberOf(part.register)] = lying(at(part.from, part.by))
        break
      case 'frame':
        state[fp] = state[sp]
        break
      case 'leave':
        state[sp] = state[fp]
        pop(fp)
        break
      case 'return':
        pop(pc)
        return state[pc] === undefined ? { kind: 'none' } : { kind: 'caller', registers: state }
    }
  }
  return { kind: 'none' }
}

const moved = (from: bigint | undefined, by: bigint) => (from === undefined ? undefined : BigInt.asUintN(64, from + by))
