import type { BroughtLibrary } from './libraries.ts'
import { licenceFile } from './licences.ts'
import { ownerOf } from './owners.ts'
import type { Entry } from './place.ts'
import type { Architecture } from './runtime.ts'
import { type KnownRuntime, sha256Of } from './runtime-pin.ts'
import { type SbomLibrary, sbom } from './sbom.ts'
import { readShipped } from './shipped.ts'

const HOME = 'usr/lib/lastgasp'

export interface Declared {
  readonly entries: readonly Entry[]
  /** Brought libraries of which this machine has no licence in words. */
  readonly unlicensed: readonly string[]
}

/** What an image says of what lastgasp has put into it: the bill of materials, and the licences of brought libraries. */
export async function declaredEntries(
  checkout: string,
  { arch, runtime, brought }: { arch: Architecture; runtime: KnownRuntime; brought: readonly BroughtLibrary[] },
  signal: AbortSignal,
): Promise<Declared> {
  const shipped = await readShipped(checkout, arch)
  const libraries: SbomLibrary[] = []
  const under = new Map<string, string[]>()
  for (const { name, from } of brought) {
    const owner = await ownerOf(from, signal)
    libraries.push({ name, owner, sha256: await sha256Of(from) })
    const called = `${name}${owner === undefined ? '' : ` (${owner.name} ${owner.version})`}`
    for (const text of owner?.licences ?? []) under.set(text, [...(under.get(text) ?? []), called])
  }
  const entries = [
    { path: `${HOME}/sbom.cdx.json`, text: sbom({ arch, shipped, runtime, libraries }) },
    ...(under.size === 0 ? [] : [{ path: `${HOME}/licences/libraries.txt`, text: licenceFile(under) }]),
  ]
  const unlicensed = libraries.filter(({ owner }) => !owner?.licences.length).map(({ name }) => name)
  return { entries, unlicensed }
}
