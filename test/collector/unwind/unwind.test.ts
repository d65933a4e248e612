import t from 'tap'
import { MOST_FRAMES } from '../../../agent/collector/unwind/unwind.ts'
import { BASE, JIT, type Scene, STACK, unwound } from './scene.ts'
import { elfOf } from './synthetic-elf.ts'

/** `call rel32` */
const CALL = [0xe8, 0, 0, 0, 0]

const [RIP, RSP, RBP] = [16, 7, 6]

t.test('by call frame information, to where there is no return address', async (t) => {
  const functions = [
    { start: 0x1000, size: 0x100 },
    { start: 0x1100, size: 0x100, instructions: [0x0e, 24] },
    { start: 0x1200, size: 0x100, instructions: [0x07, 16] },
  ]
  const stack = [BASE + 0x1200, 0, 0, BASE + 0x1210]
  const { told, frames, end } = await unwound({ functions, stack, registers: { [RIP]: BASE + 0x1000, [RSP]: STACK } })
  t.same(
    told,
    ['401000 first first', '401200 return cfi', '401210 return cfi'],
    'a call that is the last instruction is of its own function',
  )
  t.same(end, { why: 'outermost' })
  t.same(
    frames.map(({ at, address, sp }) => [at - BASE, address, sp - STACK]),
    [
      [0x1000, 0x1000, 0],
      [0x11ff, 0x11ff, 8],
      [0x120f, 0x120f, 32],
    ],
  )
  t.equal(frames[0]?.module?.path, '/program')
  t.equal(frames[0]?.module?.bias, BASE)
})

t.test('a search table that is not in order, or not there, is done without', async (t) => {
  const functions = Array.from({ length: 9 }, (_, index) => ({ start: 0x1000 + index * 0x100, size: 0x80 }))
  for (const table of ['sorted', 'unsorted', 'none'] as const) {
    const stack = [BASE + 0x1350, BASE + 0x1050, BASE + 0x1290]
    const { told, end } = await unwound({ functions, table, stack, registers: { [RIP]: BASE + 0x1810, [RSP]: STACK } })
    t.same(told, ['401810 first first', '401350 return cfi', '401050 return cfi', '401290 return cfi'], table)
    t.same(end, { why: 'lost', address: BASE + 0x1290 }, 'between two functions there is none')
  }
})

t.test('the end of a stack', async (t) => {
  const functions = [{ start: 0x1000, size: 0x100 }]
  const registers = { [RIP]: BASE + 0x1000, [RSP]: STACK }
  const end = async (scene: Partial<Scene>) => (await unwound({ functions, registers, stack: [], ...scene })).end
  t.same(await end({ stack: [0] }), { why: 'outermost' })
  t.same(await end({}), { why: 'unreadable', address: STACK })
  const many = await unwound({ functions, registers, stack: Array<number>(400).fill(BASE + 0x1010) })
  t.equal(many.frames.length, MOST_FRAMES)
  t.same(many.end, { why: 'limit', address: STACK + MOST_FRAMES * 8 })
  const circle = [{ start: 0x1000, size: 0x100, instructions: [0x14, 7, 1] }]
  t.same(await end({ functions: circle, stack: [BASE + 0x1010, 0] }), { why: 'not-growing', address: STACK })
  const aborted = AbortSignal.abort(new Error('enough'))
  await t.rejects(unwound({ functions, registers, stack: [], signal: aborted }), { message: 'enough' })
})

t.test('by frame pointers where there is nothing else, if calls stand before the return addresses', async (t) => {
  const code = { 8192: CALL, 8448: [0xff, 0xd0], 8704: [0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90] }
  const stack = [0, STACK + 32, BASE + 0x2005, 0, STACK + 64, BASE + 0x2102, 0, 0, 0, BASE + 0x2205]
  const registers = { [RIP]: JIT + 10, [RSP]: STACK, [RBP]: STACK + 8 }
  const { told, end } = await unwound({ code, stack, registers })
  t.same(told, ['60000a first first', '402005 return frame-pointer', '402102 return frame-pointer'])
  t.same(end, { why: 'lost', address: BASE + 0x2102 }, 'rather than guess')
  const below = await unwound({ code, stack, registers: { ...registers, [RSP]: STACK + 24 } })
  t.same(below.told, ['60000a first first'], 'a frame pointer below the stack pointer is none')
  const odd = await unwound({ code, stack, registers: { ...registers, [RBP]: STACK + 9 } })
  t.same(odd.told, ['60000a first first'])
  const last = await unwound({ stack: [0, 0, 0], registers: { ...registers, [RBP]: STACK + 8 } })
  t.same(last.end, { why: 'outermost' })
})

t.test('a call to nowhere has left its return address', async (t) => {
  const functions = [{ start: 0x1000, size: 0x100, instructions: [0x07, 16] }]
  const code = { 4128: CALL }
  for (const pc of [0, 0x123000, STACK]) {
    const { told } = await unwound({ functions, code, stack: [BASE + 0x1025], registers: { [RIP]: pc, [RSP]: STACK } })
    t.same(told, [`${pc.toString(16)} first first`, '401025 return call'])
  }
  const { told } = await unwound({ functions, code, stack: [BASE + 0x1024], registers: { [RIP]: 0, [RSP]: STACK } })
  t.same(told, ['0 first first'], 'no call stands there')
  const data = await unwound({ functions, stack: [STACK + 13, 0xe8], registers: { [RIP]: 0, [RSP]: STACK } })
  t.same(data.told, ['0 first first'], 'what stands there is data')
})

t.test('a signal frame, told by the file or by its instructions', async (t) => {
  const handler = { start: 0x1000, size: 0x100 }
  const interrupted = { start: 0x1300, size: 0x100, instructions: [0x07, 16] }
  const registers = { [RIP]: BASE + 0x1000, [RSP]: STACK }
  // The return address, then struct ucontext: 40 bytes, r8…r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip.
  const stack = [
    BASE + 0x1200,
    ...Array<number>(5).fill(0),
    ...Array<number>(15).fill(0),
    STACK + 0x8000,
    BASE + 0x1300,
  ]
  const rip = { start: 0x1200, size: 9, isSignal: true }
  // def_cfa rsp, 160; rip at CFA+8: what libc says, in short.
  const told = {
    ...rip,
    start: 0x11ff,
    size: 10,
    instructions: [0x0c, 7, 0xa0, 1, 0x11, 16, 0x7f, 0x10, 7, 3, 0x77, 0xa0, 1],
  }
  const byFile = await unwound({ functions: [handler, told, interrupted], stack, registers })
  t.same(byFile.told, ['401000 first first', '401200 signal cfi', '401300 interrupted cfi'])
  t.equal(byFile.frames[1]?.at, BASE + 0x1200)
  t.equal(byFile.frames[2]?.at, BASE + 0x1300, 'an instruction, not a return address')
  t.same(byFile.end, { why: 'outermost' })

  const code = { 4608: [0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05] }
  const byCode = await unwound({ functions: [handler, interrupted], code, stack, registers })
  t.same(byCode.told, ['401000 first first', '401200 signal cfi', '401300 interrupted sigreturn'])
  t.equal(byCode.frames[2]?.sp, STACK + 0x8000)
  const short = await unwound({ functions: [handler, interrupted], code, stack: stack.slice(0, 20), registers })
  t.same(short.end, { why: 'unreadable', address: STACK + 20 * 8 })
})

t.test('damage of a file is told, and done without', async (t) => {
  const functions = [{ start: 0x1000, size: 0x100, instructions: [0x3f] }]
  const code = { 8192: CALL }
  const stack = [0, STACK + 24, BASE + 0x2005, 0, 0]
  const { told, damaged } = await unwound({
    functions,
    code,
    stack,
    registers: { [RIP]: BASE + 0x1010, [RSP]: STACK, [RBP]: STACK + 8 },
  })
  t.same(told, ['401010 first first', '402005 return frame-pointer'])
  t.same(damaged, ['call frame information has an unknown instruction, 63'])
  const cut = elfOf({ functions }).subarray(0, 100)
  const none = await unwound({ file: cut, stack, registers: { [RIP]: BASE + 0x1010, [RSP]: STACK } })
  t.same(none.damaged, ['/program ends before byte 176'])
  t.equal(none.frames.length, 1)
})

t.test('arm64: signatures, leaves, frame records', async (t) => {
  const [PC, SP, FP, LR] = [32, 31, 29, 30]
  const bl = [0, 0, 0, 0x94]
  const code = { 8192: bl, 8448: [0x00, 0x01, 0x3f, 0xd6] }
  const registers = { [PC]: JIT + 16, [SP]: STACK, [FP]: STACK + 16, [LR]: BASE + 0x2004 }
  const signed = (address: number) => (0x2an << 48n) | BigInt(address)
  const stack = [0, 0, STACK + 48, signed(BASE + 0x2004), 0, 0, 0, signed(BASE + 0x2104)]
  const found = await unwound({ arch: 'arm64', code, stack, registers })
  t.same(found.told, ['600010 first first', '402004 return frame-pointer', '402104 return frame-pointer'])
  const masks = Buffer.alloc(16)
  masks.writeBigUInt64LE(0xff_0000_0000_0000n, 8)
  t.same((await unwound({ arch: 'arm64', code, stack, registers, pacMask: masks })).told, found.told)
  masks.writeBigUInt64LE(0x0f_0000_0000_0000n, 8)
  const other = await unwound({ arch: 'arm64', code, stack, registers, pacMask: masks })
  t.same(other.told, ['600010 first first'], 'the mask that the kernel tells is the one that counts')
  const leaf = await unwound({ arch: 'arm64', code, stack, registers: { ...registers, [FP]: 0, [PC]: 0 } })
  t.same(leaf.told, ['0 first first', '402004 return call'])
})

t.test('a program of another architecture says nothing', async (t) => {
  const functions = [{ start: 0x1000, size: 0x100 }]
  const { told } = await unwound({
    machine: 183,
    functions,
    stack: [BASE + 0x1010],
    registers: { [RIP]: BASE + 0x1000, [RSP]: STACK },
  })
  t.same(told, ['401000 first first'])
})
