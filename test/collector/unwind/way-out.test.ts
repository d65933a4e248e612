import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { byWayOut } from '../../../agent/collector/unwind/by-way-out.ts'
import { ARCHITECTURES } from '../../../agent/collector/unwind/registers.ts'
import { wayOut } from '../../../agent/collector/unwind/way-out.ts'
import { instructionAt } from '../../../agent/collector/unwind/x64-instruction.ts'
import { seeded } from '../../random.ts'
import { without } from '../live-core/patients.ts'
import { BASE, JIT, STACK, unwound } from './scene.ts'

const { x64 } = ARCHITECTURES
const [SP, FP, PC] = [x64.sp, x64.fp, x64.pc]
/** Words of the stack: each tells its place. */
const word = (index: number) => 0x1000n + BigInt(index)

/** Where the code leads that begins at `at`, by words of the stack from its pointer on. */
async function returned(code: readonly number[], { frame = 5, isStraight = false, at = 0 } = {}) {
  const bytes = Buffer.from(code)
  const read = async (from: number, most: number) =>
    from >= 0 && from < bytes.length ? bytes.subarray(from, from + most) : undefined
  const parts = await wayOut(read, at, isStraight)
  if (parts === undefined) return 'no way'
  const registers = Array.from({ length: x64.count }, (_, index) => BigInt(index))
  registers[SP] = BigInt(STACK)
  registers[FP] = BigInt(STACK + frame * 8)
  const found = byWayOut(parts, registers, x64, (address) => {
    const index = (Number(address) - STACK) / 8
    return Number.isInteger(index) && index >= 0 && index < 10 ? word(index) : undefined
  })
  if (found.kind !== 'caller') return found.kind
  const { [PC]: pc, [SP]: sp, [FP]: fp } = found.registers
  return { pc: Number((pc ?? 0n) - word(0)), sp: (Number(sp) - STACK) / 8, fp, all: found.registers }
}

const ADD = [0x48, 0x83, 0xc4]
const CALL = [0xe8, 0, 0, 0, 0]

t.test('what gives its frame back and returns leads to its caller', async (t) => {
  const cases: readonly [string, readonly number[], number][] = [
    ['ret', [0xc3], 0],
    ['ret $16', [0xc2, 16, 0], 0],
    ['rep ret', [0xf3, 0xc3], 0],
    ['add $8, %rsp', [...ADD, 8, 0xc3], 1],
    ['add $24, %rsp, long', [0x48, 0x81, 0xc4, 24, 0, 0, 0, 0xc3], 3],
    ['sub $-8, %rsp', [0x48, 0x83, 0xec, 0xf8, 0xc3], 1],
    ['lea 16(%rsp), %rsp', [0x48, 0x8d, 0x64, 0x24, 16, 0xc3], 2],
    ['lea -8(%rbp), %rsp; pop %rbx', [0x48, 0x8d, 0x65, 0xf8, 0x5b, 0xc3], 5],
    ['mov %rbp, %rsp, both ways to say it', [0x48, 0x89, 0xec, 0x48, 0x8b, 0xe5, 0xc3], 5],
    ['pop of memory, popf', [0x8f, 0x00, 0x9d, 0xc3], 2],
    [
      'vzeroupper; mov %eax, %edi; test; cmp %rsp',
      [0xc5, 0xf8, 0x77, 0x89, 0xc7, 0x85, 0xc0, 0x48, 0x39, 0xc4, 0xc3],
      0,
    ],
  ]
  for (const [name, code, at] of cases) t.match(await returned(code), { pc: at, sp: at + 1 }, name)
  t.match(await returned([0xc9, 0xc3]), { pc: 6, sp: 7, fp: word(5) }, 'leave')
  const popped = await returned([...ADD, 8, 0x5d, 0x5b, 0x41, 0x5c, 0x41, 0x5f, 0xc3])
  t.match(popped, { pc: 5, sp: 6, fp: word(1) })
  if (typeof popped !== 'string')
    t.same(
      [3, 12, 15].map((one) => popped.all[one]),
      [2, 3, 4].map(word),
    )
  const loaded = await returned([0x48, 0x8b, 0x5c, 0x24, 16, 0x4c, 0x8b, 0x65, 0xf8, ...ADD, 24, 0xc3])
  if (typeof loaded !== 'string')
    t.same(
      [3, 12].map((one) => loaded.all[one]),
      [2, 4].map(word),
      'mov, as pop',
    )
})

t.test('calls come back, jumps are followed, and of two ways the one that returns', async (t) => {
  t.match(await returned([...CALL, 0x31, 0xc0, ...ADD, 8, 0xc3]), { pc: 1 })
  t.match(await returned([0xff, 0xd0, ...ADD, 8, 0xc3]), { pc: 1 }, 'call *%rax')
  t.match(await returned([0xeb, 1, 0xcc, ...ADD, 8, 0xc3]), { pc: 1 }, 'jmp')
  t.match(await returned([0xc3, ...ADD, 8, 0xeb, 0xf9], { at: 1 }), { pc: 1 }, 'jmp back')
  t.match(await returned([0x74, 2, 0x0f, 0x0b, ...ADD, 8, 0xc3]), { pc: 1 }, 'je over ud2')
  t.match(await returned([0x0f, 0x84, 5, 0, 0, 0, ...CALL, ...ADD, 8, 0xc3]), { pc: 1 }, 'both ways meet')
  t.match(
    await returned([0x74, 6, ...CALL, 0x90, ...ADD, 8, 0xc3]),
    { pc: 1 },
    'behind what never returns lies no code',
  )
  t.match(await returned([0x75, 0xfe, ...ADD, 8, 0xc3]), { pc: 1 }, 'a loop')
  // A tail call: into a function with a frame of its own, whose registers lie where nothing is yet.
  const tail = [...ADD, 8, 0xeb, 0, 0x55, 0x48, 0x89, 0xe5, 0x53, 0x68, 1, 0, 0, 0, 0x58, 0x5b, 0xc9, 0xc3]
  t.match(await returned(tail), { pc: 1, sp: 2, fp: BigInt(STACK + 40) })
})

t.test('what does anything else, or is not there, does not', async (t) => {
  t.equal(await returned([...ADD]), 'no way', 'code that is cut')
  t.equal(await returned([...ADD, 8]), 'no way')
  t.equal(await returned([]), 'no way')
  for (const [name, code] of Object.entries({
    ...{ 'jmp *%rax': [0xff, 0xe0], hlt: [0xf4], int3: [0xcc], ud2: [0x0f, 0x0b], 'pop %rsp': [0x5c] },
    ...{
      'and $-16, %rsp': [0x48, 0x83, 0xe4, 0xf0],
      'mov %rax, %rsp': [0x48, 0x89, 0xc4],
      'add %rax, %rsp': [0x48, 0x01, 0xc4],
    },
    ...{
      'lea (%rsp,%rdx,8), %rsp': [0x48, 0x8d, 0x24, 0xd4],
      'xchg %rsp, %rax': [0x48, 0x94],
      'mov $1, %esp': [0xbc, 1, 0, 0, 0],
    },
    ...{ 'xchg %rsp, %rbx': [0x48, 0x87, 0xe3], 'mov (%rax), %rsp': [0x48, 0x8b, 0x20], 'loop for ever': [0xeb, 0xfe] },
  }))
    t.equal(await returned([...code, 0xc3]), 'no way', name)
  t.equal(await returned([...ADD, 120, 0xc3]), 'none', 'a stack that is not at hand')
  t.equal(await returned([0xc9, 0xc3], { frame: 200 }), 'none')
  t.equal(await returned([0x68, 1, 0, 0, 0, 0xc3]), 'none', 'to what was pushed')
  t.equal(await returned([...CALL, 0xc3], { isStraight: true }), 'no way')
  t.equal(await returned([0x74, 0, 0xc3], { isStraight: true }), 'no way')
  const long = [...Array<number>(3000).fill(0x90), 0xc3]
  t.equal(await returned(long), 'no way', 'further than anybody looks')
})

t.test('any bytes have an end', async (t) => {
  const random = seeded(7)
  for (let round = 0; round < 300; round++) {
    const code = Array.from({ length: 4000 }, () => Math.floor(random() * 256))
    const found = await returned(code)
    t.ok(typeof found === 'object' || ['none', 'no way'].includes(found))
  }
})

t.test('instructions are as long as objdump says', { skip: without('gcc', 'objdump') }, async (t) => {
  const library = execFileSync('gcc', ['-print-file-name=libc.so.6'], { encoding: 'utf8' }).trim()
  const file = readFileSync(library)
  const sections = execFileSync('objdump', ['-hw', library], { encoding: 'utf8' })
  const [, , address = '', offset = ''] = / \.text +(\S+) +(\S+) +\S+ +(\S+)/.exec(sections) ?? []
  const shift = Number.parseInt(offset, 16) - Number.parseInt(address, 16)
  const told = execFileSync('objdump', ['-d', '-w', '-j', '.text', library], { encoding: 'utf8', maxBuffer: 2 ** 29 })
  let [count, wrong] = [0, [] as string[]]
  for (const [line, at = '', bytes = '', what = ''] of told.matchAll(
    /^ +([0-9a-f]+):\t((?:[0-9a-f]{2} )+) *\t(.*)$/gm,
  )) {
    // Prefixes that stand alone, as data in code does.
    if (what === '' || /^(\(bad\)|data16|rex|cs|ds|repz?$|repnz$|lock$)/.test(what)) continue
    count += 1
    const length = bytes.trim().split(' ').length
    const own = instructionAt(file, Number.parseInt(at, 16) + shift)
    if (own?.bytes !== length && wrong.push(line) > 20) break
  }
  t.same(wrong, [])
  t.ok(count > 200_000, `${count} instructions`)
})

t.test('a stack goes on through code that nothing tells of, if a call stands before where it returns to', async (t) => {
  const functions = [{ start: 0x1000, size: 0x100, instructions: [0x07, 16] }]
  const code = { 4128: CALL, 12288: [...ADD, 8, 0x74, 0, ...CALL, 0xc3] }
  const jit = [...ADD, 8, 0xc3, ...Array<number>(32).fill(0xcc)]
  const told = async (pc: number, ...stack: readonly number[]) =>
    (await unwound({ functions, code, registers: { [SP]: STACK, [FP]: 1, [PC]: pc }, stack, jit })).told.slice(1)
  t.same(await told(JIT, 7, BASE + 0x1025), ['401025 return epilogue'])
  t.same(await told(JIT, 7, JIT + 4, 8, BASE + 0x1025), ['600004 return epilogue'], 'to the end of what it holds')
  t.same(await told(JIT, 7, BASE + 0x1024), [], 'no call stands there')
  t.same(await told(JIT, 7, STACK), [], 'nobody returns to data')
  t.same(await told(BASE + 0x3000, 7, BASE + 0x1025), ['401025 return epilogue'], 'in a file it may call and jump')
})
