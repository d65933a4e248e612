import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import type { Frame } from '../../../../agent/collector/unwind/frame.ts'
import { Damaged, type Image } from '../../../../agent/collector/unwind/image.ts'
import { type MoreNames, Names } from '../../../../agent/collector/unwind/names/names.ts'
import { unhurried } from '../../reading.ts'
import { noCompiler } from '../../sources/stacks/program.ts'
import { imageOf } from './image.ts'

const NOTHING: MoreNames = { debugImage: async () => undefined }

const inFile = (image: Image, address: number): Frame => {
  const bias = 0x7f00_0000_0000
  const at = bias + address
  return { pc: at + 1, sp: 0, kind: 'return', by: 'cfi', at, module: { path: '/it', bias, image }, address }
}
const inCode = (at: number): Frame => ({ pc: at, sp: 0, kind: 'first', by: 'first', at })

function linked(t: { testdir(of: Record<string, string>): string }, options: readonly string[]): string {
  const directory = t.testdir({
    'a.c': 'static int deep(int a) { return a + 1; }\nint main(int argc) { return deep(argc); }\n',
  })
  const path = join(directory, 'a')
  execFileSync('gcc', ['-O0', '-g', '-Wl,--build-id', '-o', path, join(directory, 'a.c'), ...options])
  return path
}

/** Where nm(1) says that a function is. */
function placeOf(path: string, name: string): number {
  const line = execFileSync('nm', [path], { encoding: 'utf8' })
    .split('\n')
    .find((line) => line.endsWith(` ${name}`))
  return Number.parseInt(line ?? '', 16)
}

t.test('by its symbols, with the offset of the return address', { skip: noCompiler }, async (t) => {
  const path = linked(t, [])
  const frame = inFile(await imageOf(path), placeOf(path, 'deep') + 4)
  const named = await new Names().of([frame], NOTHING, unhurried())
  t.strictSame(named.get(frame), { function: 'deep', offset: 5, source: 'symtab' })
})

t.test('stripped, by its separate debug file', { skip: noCompiler }, async (t) => {
  const path = linked(t, [])
  const at = placeOf(path, 'deep') + 1
  execFileSync('objcopy', ['--only-keep-debug', path, `${path}.debug`])
  execFileSync('strip', [path])
  const [image, debug] = [await imageOf(path), await imageOf(`${path}.debug`)]
  const asked: string[] = []
  const more: MoreNames = {
    async debugImage(buildId) {
      asked.push(buildId)
      return debug
    },
  }
  const frames = [inFile(image, at), inFile(image, at)]
  const named = await new Names().of(frames, more, unhurried())
  t.match(named.get(frames[0] as Frame), { function: 'deep', source: 'symtab' })
  t.match(named.get(frames[1] as Frame), { function: 'deep' })
  t.strictSame(asked, [image.buildId], 'each file is asked for once')
  t.equal((await new Names().of(frames, NOTHING, unhurried())).size, 0)
})

t.test('code in no file, by what the process wrote of it', async (t) => {
  const frames = [inCode(0x1004), inCode(0x9000)]
  const perfMap = async (at: number) => (at === 0 ? Buffer.from('1000 10 Builtin:x\n') : Buffer.alloc(0))
  const named = await new Names().of(frames, { ...NOTHING, perfMap }, unhurried())
  t.strictSame(named.get(frames[0] as Frame), { function: 'Builtin:x', offset: 4, source: 'perf-map' })
  t.equal(named.size, 1)
  const names = new Names()
  const failing = async () => {
    throw new Error('it is gone')
  }
  t.equal((await names.of(frames, { ...NOTHING, perfMap: failing }, unhurried())).size, 0)
  t.match([...names.damaged], [/it is gone/])
})

t.test('a damaged file names nothing, and takes nothing from the others', { skip: noCompiler }, async (t) => {
  const path = linked(t, [])
  const good = await imageOf(path)
  const damaged: Image = {
    ...good,
    sections: async () => {
      throw new Damaged('its sections are gone')
    },
  }
  const frames = [inFile(damaged, 0x1140), inFile(good, placeOf(path, 'main'))]
  const names = new Names()
  const named = await names.of(frames, NOTHING, unhurried())
  t.equal(named.size, 1)
  t.match(named.get(frames[1] as Frame), { function: 'main' })
  t.strictSame([...names.damaged], ['its sections are gone'])
  const broken = {
    ...good,
    sections: async () => {
      throw new TypeError('a defect')
    },
  }
  await t.rejects(
    names.of([inFile(broken, 0)], NOTHING, unhurried()),
    TypeError,
    'a defect of ours is not taken for damage',
  )
})
