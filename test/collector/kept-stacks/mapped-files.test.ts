import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import type { Mapping } from '../../../agent/collector/host/mappings.ts'
import { MappedFiles } from '../../../agent/collector/kept-stacks/mapped-files.ts'
import { Images } from '../../../agent/collector/unwind/images.ts'
import { scratch } from '../live-core/scratch.ts'
import { unhurried } from '../reading.ts'
import { noCompiler } from '../sources/stacks/program.ts'
import { imageOf } from '../unwind/names/image.ts'

/** A host with one process, whose own file tree has these files. */
function host(t: Test, files: Readonly<Record<string, string | Buffer>>, status = 'Uid:\t0\t0\t0\t0\nNSpid:\t7\t3\n') {
  const root = scratch(t)
  const own = join(root, 'proc/7/root')
  mkdirSync(own, { recursive: true })
  writeFileSync(join(root, 'proc/7/status'), status)
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(own, name)), { recursive: true })
    writeFileSync(join(own, name), content)
  }
  return { root, own }
}

const mapping = (path: string, inode: number, over: Partial<Mapping> = {}): Mapping => ({
  ...{ start: 0x1000, end: 0x2000, permissions: 'r-xp', offset: 0, device: '08:01', inode, path },
  ...over,
})
const code = mapping('', 0, { device: '00:00' })

async function opened(t: Test, root: string, mappings: readonly Mapping[], most?: number) {
  const files = new MappedFiles(root, new Images(), most)
  t.teardown(() => files[Symbol.dispose]())
  return await files.of(7, mappings, unhurried())
}

t.test('a file by its name in the own tree of its process, and only the one that is mapped', async (t) => {
  const { root, own } = host(t, { 'opt/app': 'content' })
  const { ino } = statSync(join(own, 'opt/app'))
  const app = mapping('/opt/app', ino)
  const file = (await opened(t, root, [app])).fileOf(app)
  t.equal((await file?.read(0, 100, unhurried()))?.toString(), 'content')
  const other = mapping('/opt/app', ino + 1)
  t.equal((await opened(t, root, [other])).fileOf(other), undefined)
  rmSync(join(own, 'opt/app'))
  symlinkSync('/etc/passwd', join(own, 'opt/app'))
  const linked = mapping('/opt/app', statSync('/etc/passwd').ino)
  t.equal((await opened(t, root, [linked])).fileOf(linked), undefined, 'nor one that a link leads to')
})

t.test('of how many there is nothing', async (t) => {
  const { root, own } = host(t, { 'opt/app': 'content', 'opt/lib': 'content' })
  const [app, lib] = ['/opt/app', '/opt/lib'].map((path, n) =>
    mapping(path, statSync(join(own, path)).ino, { start: (n + 1) * 0x1000, end: (n + 2) * 0x1000 }),
  )
  const all = [app, lib].flatMap((one) => one ?? [])
  t.equal((await opened(t, root, all)).unopened, 0)
  const few = await opened(t, root, all, 1)
  t.equal(few.unopened, 1)
  t.strictSame(
    all.map((one) => few.fileOf(one) !== undefined),
    [true, false],
  )
  t.equal(
    (await opened(t, root, [mapping('/opt/gone', 1), code, mapping('/opt/data', 1, { permissions: 'r--p' })])).unopened,
    1,
  )
})

t.test('a file with data of it mapped beside is one', async (t) => {
  const { root, own } = host(t, { 'opt/app': 'content' })
  const { ino } = statSync(join(own, 'opt/app'))
  const [app, data] = [mapping('/opt/app', ino), mapping('/opt/app', ino, { start: 0x2000, permissions: 'rw-p' })]
  const files = await opened(t, root, [data, app])
  t.ok(files.fileOf(data))
  t.equal(files.fileOf(data), files.fileOf(app))
})

t.test("a separate debug file of the process's own tree, of the same build", { skip: noCompiler }, async (t) => {
  const directory = t.testdir({ 'a.c': 'int main(void) { return 0; }\n' })
  const path = join(directory, 'a')
  execFileSync('gcc', ['-Wl,--build-id', '-o', path, `${path}.c`])
  const { buildId = '' } = await imageOf(path)
  const { root, own } = host(t, { 'usr/lib/debug/.build-id/keep': '' })
  const place = (id: string) => join(own, 'usr/lib/debug/.build-id', id.slice(0, 2), `${id.slice(2)}.debug`)
  mkdirSync(dirname(place(buildId)), { recursive: true })
  copyFileSync(path, place(buildId))
  const { debugImage } = await opened(t, root, [])
  t.equal((await debugImage(buildId, unhurried()))?.buildId, buildId)
  const wrong = `${buildId.slice(0, -1)}${buildId.endsWith('0') ? '1' : '0'}`
  renameSync(place(buildId), place(wrong))
  t.equal(await debugImage(wrong, unhurried()), undefined, 'it says itself of which build it is')
  t.equal(await debugImage('../../../../etc', unhurried()), undefined)
  writeFileSync(place(`${wrong.slice(0, -2)}ff`), 'no ELF file')
  t.equal(await debugImage(`${wrong.slice(0, -2)}ff`, unhurried()), undefined)
})

t.test('a perf map of its own PID namespace, by its own user', async (t) => {
  const map = { 'tmp/perf-3.map': '1000 10 compiled\n', 'tmp/perf-7.map': '1000 10 another\n' }
  const { root } = host(t, map)
  const { perfMap } = await opened(t, root, [code])
  t.equal((await perfMap?.(0, 100, unhurried()))?.toString(), '1000 10 compiled\n')
  t.equal((await opened(t, root, [mapping('[vdso]', 0)])).perfMap, undefined, 'where it runs no code of its own, none')
  const { root: outside } = host(t, map, 'Uid:\t1000\t1000\nNSpid:\t7\n')
  t.equal((await (await opened(t, outside, [code])).perfMap?.(0, 100, unhurried()))?.toString(), '1000 10 another\n')
  const { root: linked, own } = host(t, {})
  mkdirSync(join(own, 'tmp'))
  symlinkSync('/etc/passwd', join(own, 'tmp/perf-3.map'))
  t.equal((await opened(t, linked, [code])).perfMap, undefined)
})

t.test('a perf map that somebody else wrote is none', { skip: process.geteuid?.() !== 0 && 'not root' }, async (t) => {
  const { root, own } = host(t, { 'tmp/perf-3.map': '1000 10 x\n' }, 'Uid:\t1000\t1000\nNSpid:\t7\t3\n')
  execFileSync('chown', ['1001', join(own, 'tmp/perf-3.map')])
  t.equal((await opened(t, root, [code])).perfMap, undefined)
  execFileSync('chown', ['1000', join(own, 'tmp/perf-3.map')])
  t.ok((await opened(t, root, [code])).perfMap)
})

t.test('a FIFO in the place of a file hangs nobody', async (t) => {
  const { root, own } = host(t, { 'opt/x': '' })
  execFileSync('mkfifo', [join(own, 'opt/app')])
  const app = mapping('/opt/app', statSync(join(own, 'opt/app')).ino)
  t.equal((await opened(t, root, [app])).fileOf(app), undefined)
})
