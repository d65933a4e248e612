import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { missingLibraries } from '../../scripts/image/libraries.ts'
import { ARCH, copyLibrary, hostLibrary, LIBRARIES, tinyImage } from './tiny-image.ts'

const NODE = process.execPath
const GLIBC = ['libdl.so.2', 'libm.so.6', 'libpthread.so.0', 'libc.so.6']
const LOADER = ARCH === 'x64' ? 'ld-linux-x86-64.so.2' : 'ld-linux-aarch64.so.1'
const BESIDE = ['libatomic.so.1', 'libstdc++.so.6', 'libgcc_s.so.1']
const linked = process.report.getReport() as unknown as { sharedObjects: string[] }
const skip = !linked.sharedObjects.some((path) => path.endsWith('/libatomic.so.1')) && 'this Node needs no libatomic'

function glibcImage(t: Parameters<typeof tinyImage>[0]): string {
  const root = tinyImage(t)
  for (const name of [...GLIBC, LOADER]) copyLibrary(root, name)
  return root
}

t.test('brings what the image lacks and no more', { skip }, async (t) => {
  const root = glibcImage(t)
  const names = async () => (await missingLibraries(root, NODE, ARCH)).map(({ name }) => name)
  t.same(await names(), BESIDE)
  for (const name of BESIDE) copyLibrary(root, name)
  t.same(await names(), [])
  rmSync(join(root, LIBRARIES, 'libatomic.so.1'))
  t.same(await missingLibraries(root, NODE, ARCH), [{ name: 'libatomic.so.1', from: hostLibrary('libatomic.so.1') }])
})

t.test('one that is too old counts as lacking', { skip }, async (t) => {
  const root = glibcImage(t)
  for (const name of BESIDE) copyLibrary(root, name)
  copyLibrary(root, 'libstdc++.so.6', hostLibrary('libatomic.so.1'))
  t.match(await missingLibraries(root, NODE, ARCH), [{ name: 'libstdc++.so.6' }])
})

t.test('a glibc that is too old is named, with what is missing from it', { skip }, async (t) => {
  const root = glibcImage(t)
  for (const name of BESIDE) copyLibrary(root, name)
  copyLibrary(root, 'libc.so.6', hostLibrary('libatomic.so.1'))
  await t.rejects(
    missingLibraries(root, NODE, ARCH),
    /node needs .*GLIBC_2\.\d+.*libc\.so\.6 does not have: the image is too old/,
  )
  rmSync(join(root, LIBRARIES, 'libc.so.6'))
  await t.rejects(missingLibraries(root, NODE, ARCH), /needs libc\.so\.6: glibc is not there/)
})

t.test('a library of another architecture is none', { skip }, async (t) => {
  const root = glibcImage(t)
  for (const name of BESIDE) copyLibrary(root, name)
  const foreign = readFileSync(hostLibrary('libatomic.so.1'))
  foreign.writeUInt16LE(ARCH === 'x64' ? 183 : 62, 18)
  writeFileSync(join(root, LIBRARIES, 'libatomic.so.1'), foreign)
  t.match(await missingLibraries(root, NODE, ARCH), [{ name: 'libatomic.so.1' }])
  const other = ARCH === 'x64' ? 'arm64' : 'x64'
  await t.rejects(
    missingLibraries(root, NODE, other),
    /lacks libatomic\.so\.1, as does this machine for .*: add the package libatomic1/,
  )
})
