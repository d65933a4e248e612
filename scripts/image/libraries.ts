import { readFile } from 'node:fs/promises'
import { cannot } from '../../agent/words/cannot.ts'
import { type Elf, elfArchitecture, parseElf } from './elf.ts'
import { has, resolved } from './root.ts'
import type { Architecture } from './runtime.ts'

/** Libraries that Node needs beside glibc, and the packages that hold them: Debian's and Fedora's name. */
const BROUGHT: Readonly<Record<string, string>> = {
  'libatomic.so.1': 'libatomic1 (Fedora: libatomic)',
  'libstdc++.so.6': 'libstdc++6 (Fedora: libstdc++)',
  'libgcc_s.so.1': 'libgcc-s1 (Fedora: libgcc)',
}

const TRIPLETS: Readonly<Record<Architecture, string>> = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }

/** A library that the image lacks, and where this machine has it. */
export interface BroughtLibrary {
  readonly name: string
  readonly from: string
}

/**
 * What has to be copied into the image so that `binary` starts there: libraries that it lacks or has too old, from this
 * machine. Refuses when the sum would not load, in the way the dynamic loader would, and names what to add.
 */
export async function missingLibraries(root: string, binary: string, arch: Architecture): Promise<BroughtLibrary[]> {
  const node = parseElf(await readFile(binary), binary)
  const brought: (BroughtLibrary & { elf: Elf })[] = []
  for (const [name, packages] of Object.entries(BROUGHT)) {
    const wanted = node.requires.get(name)
    if (wanted === undefined) continue
    const own = await library(root, name, arch)
    if (own !== undefined && wanted.every((version) => own.elf.provides.has(version))) continue
    const ours = await library('/', name, arch)
    if (ours === undefined) {
      throw cannot(
        `start Node in ${root}`,
        `it lacks ${name}, as does this machine for ${arch}: add the package ${packages} to the image`,
      )
    }
    brought.push(ours)
  }
  await judge(root, arch, [{ name: 'node', elf: node }, ...brought], brought)
  return brought.map(({ name, from }) => ({ name, from }))
}

/** Every version that one of `loaded` asks for must be in what the image will have. */
async function judge(
  root: string,
  arch: Architecture,
  loaded: readonly { name: string; elf: Elf }[],
  brought: readonly { name: string; elf: Elf }[],
): Promise<void> {
  for (const { name, elf } of loaded) {
    for (const [needed, versions] of elf.requires) {
      const provider = brought.find((one) => one.name === needed) ?? (await library(root, needed, arch))
      if (provider === undefined)
        throw cannot(
          `start Node in ${root}`,
          `${name} needs ${needed}: glibc is not there, or not where it is looked for`,
        )
      const missing = versions.filter((version) => !provider.elf.provides.has(version))
      if (missing.length === 0) continue
      const packages = BROUGHT[name]
      const advice =
        packages === undefined
          ? 'the image is too old for this Node'
          : `add the package ${packages} to the image, in its own build`
      throw cannot(
        `start Node in ${root}`,
        `${name}${packages === undefined ? '' : ' of this machine'} needs ${missing.join(', ')}, which the image's ${needed} does not have: ${advice}`,
      )
    }
  }
}

/** A library where the dynamic loader finds it without a cache, ld.so(8): multi-arch, then the classic directories. */
async function library(root: string, name: string, arch: Architecture) {
  const triplet = TRIPLETS[arch]
  for (const directory of [`usr/lib/${triplet}`, 'usr/lib64', 'usr/lib', `lib/${triplet}`, 'lib64', 'lib']) {
    const path = `${directory}/${name}`
    if (!(await has(root, path))) continue
    const from = await resolved(root, path)
    const content = await readFile(from)
    if (elfArchitecture(content) === arch) return { name, from, elf: parseElf(content, from) }
  }
  return undefined
}
