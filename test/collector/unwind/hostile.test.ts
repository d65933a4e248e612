import t from 'tap'
import { PROGRAM_HEADER, programHeaders, programTable } from '../../../agent/collector/elf/headers.ts'
import { Images } from '../../../agent/collector/unwind/images.ts'
import { MOST_FRAMES, Unwinder } from '../../../agent/collector/unwind/unwind.ts'
import { seeded } from '../../random.ts'
import { golden } from './golden.ts'
import { BASE, STACK, unwound } from './scene.ts'
import { elfOf } from './synthetic-elf.ts'
import { fileOf, unwindCore } from './unwound.ts'

t.setTimeout(300_000)

/** Files of each program that are damaged, and cores. */
const FILES = 72
const CORES = 42
/** What numbers of a format are likely not to be prepared for. */
const WILD = [0n, 1n, 0x7fn, 0x80n, 0xffn, 0x7fffffffn, 0xffffffffn, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]

type Random = () => number
type Damage = (bytes: Buffer, places: readonly Place[], random: Random) => Buffer

interface Place {
  readonly start: number
  readonly end: number
}

const below = (random: Random, most: number) => Math.floor(random() * most)
const pick = <Value>(random: Random, values: readonly Value[]): Value => values[below(random, values.length)] as Value
const placeIn = (random: Random, places: readonly Place[]) => {
  const { start, end } = pick(random, places)
  return start + below(random, Math.max(1, end - start - 8))
}

const DAMAGES: Readonly<Record<string, Damage>> = {
  'single bytes': (bytes, places, random) => {
    for (let count = below(random, 64); count >= 0; count -= 1) bytes[placeIn(random, places)] = below(random, 256)
    return bytes
  },
  'wild numbers': (bytes, places, random) => {
    for (let count = below(random, 32); count >= 0; count -= 1) {
      const at = placeIn(random, places)
      if (random() < 0.5) bytes.writeBigUInt64LE(pick(random, WILD), at)
      else bytes.writeUInt32LE(Number(pick(random, WILD) & 0xffffffffn), at)
    }
    return bytes
  },
  'cut off': (bytes, _, random) => bytes.subarray(0, below(random, bytes.length)),
  'one value all over': (bytes, places, random) => {
    const { start, end } = pick(random, places)
    const from = start + below(random, end - start)
    return bytes.fill(
      pick(random, [0, 0x80, 0xff, 0x0a, 0x0b, 0x40, 0x16]),
      from,
      Math.min(end, from + below(random, 65536)),
    )
  },
  'noise all over': (bytes, places, random) => {
    const { start, end } = pick(random, places)
    for (let at = start; at < end; at += 1) if (random() < 0.3) bytes[at] = below(random, 256)
    return bytes
  },
  'pieces of itself elsewhere': (bytes, places, random) => {
    for (let count = below(random, 8); count >= 0; count -= 1) {
      const [from, to] = [placeIn(random, places), placeIn(random, places)]
      bytes.copyWithin(to, from, from + below(random, 512))
    }
    return bytes
  },
}

/** Where what is read of a program lies: headers, sections, call frame information. */
function placesOf(program: Buffer): Place[] {
  const sections = Number(program.readBigUInt64LE(40))
  const count = program.readUInt16LE(60)
  const places = [
    { start: 0, end: 64 },
    { start: 64, end: 64 + program.readUInt16LE(56) * PROGRAM_HEADER },
    { start: sections, end: program.length },
  ]
  for (let at = sections; at < sections + count * 64; at += 64) {
    const start = Number(program.readBigUInt64LE(at + 24))
    const size = Number(program.readBigUInt64LE(at + 32))
    const isKept = program.subarray(start, start + size).some((byte) => byte !== 0)
    if (isKept && start + size <= program.length) places.push({ start, end: start + size })
  }
  return places.filter(({ start, end }) => end - start > 8)
}

for (const name of ['x64-signals', 'arm64-signals', 'arm64-exceptions']) {
  t.test(`${name}: damaged files cost frames and nothing else`, async (t) => {
    const { core, program } = golden(name)
    const places = placesOf(program)
    const unhurt = (await unwindCore(core, () => fileOf('program', program))).size
    let less = 0
    for (const [index, [kind, damage]] of Object.entries(DAMAGES).entries()) {
      for (let file = 0; file < FILES / Object.keys(DAMAGES).length; file += 1) {
        const seed = index * 1000 + file
        const damaged = damage(Buffer.from(program), places, seeded(seed))
        const found = await unwindCore(core, () => fileOf('program', damaged)).catch((error: unknown) => error)
        if (!(found instanceof Map)) return t.fail(`${kind} ${seed}: ${(found as Error).stack}`)
        const counts = [...found.values()].map(({ frames }) => frames.length)
        if (found.size !== unhurt || counts.some((count) => count < 1 || count > MOST_FRAMES))
          t.fail(`${kind} ${seed}: ${counts}`)
        less += Number([...found.values()].some(({ damaged }) => damaged.length > 0))
      }
    }
    t.ok(less > FILES / 10, `${less} files were found to be damaged`)
  })

  t.test(`${name}: damaged cores and stacks`, async (t) => {
    const { core, program } = golden(name)
    const [images, unwinder] = [new Images(), new Unwinder()]
    const table = programTable(core)
    const headers = [
      ...programHeaders(core.subarray(table?.offset, (table?.offset ?? 0) + (table?.count ?? 0) * PROGRAM_HEADER)),
    ]
    const places = headers.map(({ offset, stored }) => ({ start: Number(offset), end: Number(offset) + stored }))
    const whole = [{ start: 0, end: 4096 }, ...places.filter(({ start, end }) => end - start > 8)]
    for (const [index, [kind, damage]] of Object.entries(DAMAGES).entries()) {
      for (let file = 0; file < CORES / Object.keys(DAMAGES).length; file += 1) {
        const seed = 50_000 + index * 1000 + file
        const damaged = damage(Buffer.from(core), whole, seeded(seed))
        const found = await unwindCore(damaged, () => fileOf('program', program), images, unwinder).catch(
          (error: unknown) => error,
        )
        if (found instanceof Map) {
          for (const { frames } of found.values()) if (frames.length > MOST_FRAMES) t.fail(`${kind} ${seed}`)
        } else if ((found as Error).message !== 'no core') t.fail(`${kind} ${seed}: ${(found as Error).stack}`)
      }
    }
    t.pass()
  })
}

t.test('each byte that is read of a made-up program: functions of many kinds, each on the stack', async (t) => {
  const bodies = [
    [0x0e, 16, 0x86, 2, 0x0d, 6],
    [0x0a, 0x0e, 64, 0x0b],
    [0x0f, 3, 0x77, 0x90, 0x00],
    [0x16, 6, 2, 0x77, 8, 0x10, 3, 3, 0x77, 8, 0x06],
    [0x05, 3, 2, 0x14, 12, 1, 0x09, 13, 14, 0x2e, 16],
    [0x02, 4, 0x0e, 16, 0x41, 0x0e, 8],
  ]
  const functions = Array.from({ length: 24 }, (_, index) => {
    return { start: 0x1000 + index * 0x100, size: 0x100, instructions: bodies[index % bodies.length] ?? [] }
  })
  const file = elfOf({ functions })
  const code = file.findLastIndex((byte, at) => at >= 0x8000 && at < 0xa000 && byte !== 0)
  const places = [
    { start: 0, end: 176 },
    { start: 0x8000, end: code },
    { start: 0x8000, end: code },
    { start: 0xa000, end: 0xa000 + 12 + functions.length * 8 },
  ]
  const stack = Array.from({ length: 1024 }, (_, index) =>
    index % 3 === 0 ? STACK + index * 8 : BASE + 0x1010 + (index % 24) * 0x100,
  )
  const kinds = Object.entries(DAMAGES)
  const words = new Set<string>()
  for (let seed = 0; seed < 600; seed += 1) {
    const [kind, damage] = kinds[seed % kinds.length] as (typeof kinds)[number]
    const damaged = damage(Buffer.from(file), places, seeded(90_000 + seed))
    const at = functions[seed % functions.length]?.start ?? 0
    const registers = { 16: BASE + at + 16, 7: STACK, 6: STACK + 64 }
    const found = await unwound({ file: damaged, stack, registers }).catch((error: unknown) => error as Error)
    if (found instanceof Error) return t.fail(`${kind} ${seed}: ${found.stack}`)
    if (found.frames.length > MOST_FRAMES) t.fail(`${kind} ${seed}: ${found.frames.length} frames`)
    for (const word of found.damaged) words.add(word.replace(/[0-9a-f]*\d[0-9a-f]*/g, ''))
  }
  t.comment([...words].join('; '))
  t.ok(words.size >= 10, `${words.size} kinds of damage were told`)
})
