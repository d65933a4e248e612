import t from 'tap'
import { byEpilogue, EPILOGUE_BYTES } from '../../../agent/collector/unwind/by-epilogue.ts'
import { ARCHITECTURES } from '../../../agent/collector/unwind/registers.ts'
import { BASE, JIT, STACK, unwound } from './scene.ts'

const { x64 } = ARCHITECTURES
const [SP, FP, PC] = [x64.sp, x64.fp, x64.pc]
/** Words of the stack: each tells its place. */
const word = (index: number) => 0x1000n + BigInt(index)

function returned(code: readonly number[], frame = 5) {
  const registers = Array.from({ length: x64.count }, (_, index) => BigInt(index))
  registers[SP] = BigInt(STACK)
  registers[FP] = BigInt(STACK + frame * 8)
  const found = byEpilogue(Buffer.from(code), registers, x64, (address) => {
    const index = (Number(address) - STACK) / 8
    return Number.isInteger(index) && index >= 0 && index < 10 ? word(index) : undefined
  })
  if (found.kind !== 'caller') return found.kind
  const { [PC]: pc, [SP]: sp, [FP]: fp } = found.registers
  return { pc: Number((pc ?? 0n) - word(0)), sp: (Number(sp) - STACK) / 8, fp, all: found.registers }
}

const ADD = [0x48, 0x83, 0xc4]

t.test('what gives its frame back and returns leads to its caller', async (t) => {
  const cases: readonly [string, readonly number[], number][] = [
    ['ret', [0xc3], 0],
    ['rep ret', [0xf3, 0xc3], 0],
    ['add $8, %rsp', [...ADD, 8, 0xc3], 1],
    ['add $24, %rsp, long', [0x48, 0x81, 0xc4, 24, 0, 0, 0, 0xc3], 3],
    ['lea 16(%rsp), %rsp', [0x48, 0x8d, 0x64, 0x24, 16, 0xc3], 2],
    ['lea -8(%rbp), %rsp; pop', [0x48, 0x8d, 0x65, 0xf8, 0x5b, 0xc3], 5],
    ['mov %rbp, %rsp', [0x48, 0x89, 0xec, 0xc3], 5],
    ['vzeroupper', [0xc5, 0xf8, 0x77, 0xc3], 0],
  ]
  for (const [name, code, at] of cases) t.match(returned(code), { pc: at, sp: at + 1 }, name)
  t.match(returned([0xc9, 0xc3]), { pc: 6, sp: 7, fp: word(5) }, 'leave')
  const popped = returned([...ADD, 8, 0x5d, 0x5b, 0x41, 0x5c, 0x41, 0x5f, 0xc3])
  t.match(popped, { pc: 5, sp: 6, fp: word(1) })
  if (typeof popped !== 'string')
    t.same(
      [3, 12, 15].map((one) => popped.all[one]),
      [2, 3, 4].map(word),
    )
})

t.test('what does anything else, or is not there, does not', async (t) => {
  t.equal(returned([0x90, 0xc3]), 'none', 'any other instruction')
  t.equal(returned([...ADD]), 'none', 'code that is cut')
  t.equal(returned([...ADD, 8]), 'none')
  t.equal(returned([]), 'none')
  t.equal(returned([...ADD, 120, 0xc3]), 'none', 'a stack that is not at hand')
  t.equal(returned([0xc9, 0xc3], 200), 'none')
})

t.test('a stack goes on through code that nothing tells of, if a call stands before where it returns to', async (t) => {
  const functions = [{ start: 0x1000, size: 0x100, instructions: [0x07, 16] }]
  const code = { 4128: [0xe8, 0, 0, 0, 0] }
  const jit = [...ADD, 8, 0xc3, ...Array<number>(EPILOGUE_BYTES).fill(0xcc)]
  const registers = { [SP]: STACK, [FP]: 1, [PC]: JIT }
  const told = async (...stack: readonly number[]) =>
    (await unwound({ functions, code, registers, stack, jit })).told.slice(1)
  t.same(await told(7, BASE + 0x1025), ['401025 return epilogue'])
  t.same(await told(7, JIT + 4, 8, BASE + 0x1025), ['600004 return epilogue'], 'to the end of what it holds')
  t.same(await told(7, BASE + 0x1024), [], 'no call stands there')
  t.same(await told(7, STACK), [], 'nobody returns to data')
})
