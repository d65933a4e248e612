import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { elfArchitecture, parseElf } from '../../scripts/image/elf.ts'
import { ARCH, hostLibrary } from './tiny-image.ts'

const libraries = ['libstdc++.so.6', 'libc.so.6'].map(hostLibrary)
const readelf = spawnSync('readelf', ['--version']).status === 0

t.test('says what readelf says', { skip: !readelf && 'readelf is not installed (binutils)' }, (t) => {
  for (const path of [process.execPath, ...libraries]) {
    const { requires, provides } = parseElf(readFileSync(path), path)
    const dynamic = spawnSync('readelf', ['-dW', path], { encoding: 'utf8' }).stdout
    const needed = [...dynamic.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name)
    t.same([...requires.keys()].toSorted(), needed.toSorted(), path)
    const versions = spawnSync('readelf', ['-VW', path], { encoding: 'utf8' }).stdout
    const asked = [...versions.matchAll(/Name: (\S+)\s+Flags: (?!WEAK)/g)].map(([, name]) => name)
    t.same([...requires.values()].flat().toSorted(), asked.toSorted(), path)
    const definitions = versions.slice(
      versions.indexOf('Version definition section'),
      versions.indexOf('Version needs section'),
    )
    const defined = [...definitions.matchAll(/Rev: .*Name: (\S+)/g)].map(([, name]) => name)
    t.same([...provides].toSorted(), definitions.startsWith('Version definition') ? defined.toSorted() : [], path)
  }
  t.end()
})

t.test('architectures', (t) => {
  const file = readFileSync(libraries[0] ?? '')
  t.equal(elfArchitecture(file), ARCH)
  const other = Buffer.from(file.subarray(0, 64))
  other.writeUInt16LE(ARCH === 'x64' ? 183 : 62, 18)
  t.equal(elfArchitecture(other), ARCH === 'x64' ? 'arm64' : 'x64')
  other.writeUInt16LE(8, 18)
  t.equal(elfArchitecture(other), undefined, 'MIPS')
  for (const [at, value] of [
    [0, 0],
    [4, 1],
    [5, 2],
  ] as const) {
    const broken = Buffer.from(file.subarray(0, 64))
    broken[at] = value
    t.equal(elfArchitecture(broken), undefined)
  }
  t.equal(elfArchitecture(Buffer.from('#!/bin/sh\n')), undefined)
  t.end()
})

t.test('a version that only weak symbols ask for is not required', (t) => {
  const file = readFileSync(hostLibrary('libstdc++.so.6'))
  const asked = () => [...parseElf(file, 'libstdc++').requires.values()].flat()
  const [version = ''] = asked()
  // Vernaux: hash u32, flags u16, index u16.
  const hash = Buffer.alloc(4)
  hash.writeUInt32LE(elfHash(version))
  for (let at = file.indexOf(hash); at !== -1; at = file.indexOf(hash, at + 1)) file.writeUInt16LE(2, at + 4)
  t.notOk(asked().includes(version), version)
  t.end()
})

/** The hash function of the System V ABI, chapter 5. */
function elfHash(name: string): number {
  let hash = 0
  for (const byte of Buffer.from(name)) {
    hash = (hash * 16 + byte) >>> 0
    const high = hash & 0xf0000000
    hash = (hash ^ (high >>> 24) ^ high) >>> 0
  }
  return hash
}

t.test('a damaged file is an error that names it, and ends', (t) => {
  const file = readFileSync(libraries[0] ?? '')
  t.throws(() => parseElf(Buffer.from('no'), '/x/lib'), /cannot read \/x\/lib: it is no ELF file/)
  t.throws(() => parseElf(file.subarray(0, 4096), '/x/lib'), /cannot read \/x\/lib: it is cut off: 4096 of/)
  t.end()
})
