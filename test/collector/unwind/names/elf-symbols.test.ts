import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Damaged } from '../../../../agent/collector/unwind/image.ts'
import { symbolsAt } from '../../../../agent/collector/unwind/names/elf-symbols.ts'
import { seeded } from '../../../random.ts'
import { unhurried } from '../../reading.ts'
import { noCompiler } from '../../sources/stacks/program.ts'
import { imageOf } from './image.ts'

/** Aliases at one address, a function without a size, one within another, a static one and one of a version. */
const SOURCE = `
int __strange(void) { return 1; }
int strange(void) __attribute__((alias("__strange")));
int __s(void) __attribute__((alias("__strange")));
static int local_one(void) __attribute__((alias("__strange"), used));
static __attribute__((noinline, used)) int hidden(int a) { return a * 3; }
int chosen(int a) __attribute__((ifunc("choose")));
static int one(int a) { return a; }
static void *choose(void) { return one; }
__asm__(".text\\n.globl endless\\n.type endless,@function\\nendless: nop\\nnop\\nnop\\nret\\n"
        ".globl behind\\n.type behind,@function\\nbehind: ret\\n.size behind, 1\\n"
        ".globl outer\\n.type outer,@function\\nouter: nop\\nnop\\n.type inner,@function\\ninner: nop\\nret\\n.size inner,2\\nnop\\n.size outer, 5\\n");
int main(void) { return strange() + hidden(2) + chosen(1); }
`
const skip = noCompiler || process.arch !== 'x64'

function linked(t: Test, ...options: string[]) {
  const directory = t.testdir({ 'a.c': SOURCE })
  const path = join(directory, 'a')
  execFileSync('gcc', ['-O0', '-o', path, join(directory, 'a.c'), ...options])
  return path
}

/** Where nm(1) says that each is. */
function places(path: string, ...options: string[]): ReadonlyMap<string, number> {
  const lines = execFileSync('nm', [...options, path], { encoding: 'utf8' }).split('\n')
  return new Map(
    lines.flatMap((line) => {
      const [, at, name] = /^([0-9a-f]+) [tTiW] (\S+)$/.exec(line) ?? []
      return at !== undefined && name !== undefined ? [[name.replace(/@.*/, ''), Number.parseInt(at, 16)] as const] : []
    }),
  )
}

t.test('which function an address is in', { skip }, async (t) => {
  const path = linked(t)
  const image = await imageOf(path)
  const at = places(path)
  const place = (name: string, offset = 0) => (at.get(name) ?? Number.NaN) + offset
  const found = await symbolsAt(
    image,
    [...at.values(), ...['endless', 'outer'].flatMap((name) => [1, 2, 3, 4].map((n) => place(name, n)))],
    unhurried(),
  )
  const name = (address: number) => found.get(address)?.name
  t.equal(name(place('__strange')), 'strange', 'the global one with the fewest underscores')
  t.equal(name(place('hidden')), 'hidden')
  t.equal(name(place('one')), 'one')
  t.equal(name(place('endless', 3)), 'endless', 'without a size, up to the next')
  t.equal(name(place('endless', 4)), 'behind')
  t.equal(name(place('outer', 1)), 'outer')
  t.equal(name(place('outer', 2)), 'inner')
  t.equal(name(place('outer', 4)), 'outer', 'behind the inner one it goes on')
  t.match(found.get(place('outer', 4)), { start: place('outer'), source: 'symtab' })
  t.equal((await symbolsAt(image, [0, 2 ** 52], unhurried())).size, 0)
})

t.test('stripped, what it shows to others is left', { skip }, async (t) => {
  const path = linked(t, '-s', '-rdynamic')
  const at = places(path, '-D')
  const found = await symbolsAt(await imageOf(path), [...at.values()], unhurried())
  t.match(found.get(at.get('main') ?? 0), { name: 'main', source: 'dynsym' })
  t.match(found.get(at.get('strange') ?? 0), { name: 'strange', source: 'dynsym' })
})

t.test(
  'the names of libc, as nm tells them',
  { skip: skip || spawnSync('nm', ['--version']).status !== 0 },
  async (t) => {
    const path = (process.report.getReport() as { sharedObjects: string[] }).sharedObjects.find((name) =>
      /\/libc\.so\.6$/.test(name),
    )
    if (path === undefined) return t.comment('this runtime has no glibc')
    const lines = execFileSync('nm', ['-D', '--defined-only', path], { encoding: 'utf8' }).split('\n')
    const aliases = new Map<number, Set<string>>()
    for (const line of lines) {
      const [, at, name] = /^([0-9a-f]+) [TWi] ([^@]+)/.exec(line) ?? []
      if (at === undefined || name === undefined) continue
      const address = Number.parseInt(at, 16)
      aliases.set(address, (aliases.get(address) ?? new Set()).add(name))
    }
    const found = await symbolsAt(await imageOf(path), [...aliases.keys()], unhurried())
    const wrong = [...aliases].filter(([at, names]) => !names.has(found.get(at)?.name ?? ''))
    t.ok(aliases.size > 1_000)
    t.strictSame(wrong, [])
    const told = new Set([...found.values()].map(({ name }) => name))
    for (const name of ['poll', 'raise', 'read', 'malloc', 'qsort']) t.ok(told.has(name), name)
  },
)

t.test('damaged and hostile files end in nothing but what is declared', { skip }, async (t) => {
  const whole = readFileSync(linked(t))
  const draw = seeded(13)
  const number = (below: number) => Math.floor(draw() * below)
  for (let round = 0; round < 200; round++) {
    const file = Buffer.from(whole)
    const places = round % 2 === 0 ? 40 : 4
    for (let index = 0; index < places; index++) {
      // Headers and tables are at both ends.
      const at = round % 4 < 2 ? number(1024) : file.length - 1 - number(8192)
      file[at] = number(256)
    }
    const cut = round % 5 === 0 ? file.subarray(0, number(file.length)) : file
    try {
      await symbolsAt(await imageOf(cut), [0x1139, 0x1000, 0x401000], unhurried())
    } catch (error) {
      const isDeclared = error instanceof Damaged || (error as Error).message === 'it is no program'
      if (!isDeclared) t.fail(`round ${round}: ${error}`)
    }
  }
  t.pass('200 of them')
})

t.test('a table in which all lies in all is given up', async (t) => {
  const COUNT = 300_000
  const table = Buffer.alloc(COUNT * 24)
  for (let at = 0; at < table.length; at += 24) {
    table.writeUInt8(0x12, at + 4)
    table.writeUInt16LE(1, at + 6)
    table.writeBigUInt64LE(0xffffffffn, at + 16)
  }
  const sections = [
    { name: '', type: 0, flags: 0, address: 0, offset: 0, size: 0, link: 0 },
    { name: '.symtab', type: 2, flags: 0, address: 0, offset: 0, size: table.length, link: 0 },
  ]
  const image = {
    ...{ path: 'it', machine: 62, loads: [], sections: async () => sections },
    bytes: async (at: number, length: number) => table.subarray(at, at + length),
    bytesAt: async () => Buffer.alloc(0),
  }
  const addresses = Array.from({ length: 1000 }, (_, index) => index)
  await t.rejects(symbolsAt(image, addresses, unhurried()), { name: 'Damaged' })
})
