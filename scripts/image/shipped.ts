import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod/mini'
import { cannot } from '../../agent/words/cannot.ts'
import { knownLicence } from './licences.ts'
import { dependencies, type Lock, packageName, shippedPackages } from './packages.ts'
import type { Architecture } from './runtime.ts'

const shippedPackage = z.strictObject({
  name: z.string(),
  version: z.string(),
  /** SPDX: https://spdx.org/licenses */
  licence: z.string(),
  /** Of the package's archive, as package-lock.json has it. */
  integrity: z.string().check(z.regex(/^sha512-[A-Za-z0-9+/]{86}==$/)),
  /** `name@version` of the shipped packages that it may load. */
  dependsOn: z.array(z.string()),
})
const schema = z.strictObject({
  lastgasp: z.strictObject({ version: z.string(), licence: z.string(), dependsOn: z.array(z.string()) }),
  packages: z.array(shippedPackage),
})

export type ShippedPackage = Readonly<z.infer<typeof shippedPackage>>
/** What a build has put into dist/<arch>, besides the runtime: dist/<arch>.shipped.json, from a build to its bakes. */
export type Shipped = Readonly<z.infer<typeof schema>>

/** Where a build leaves it, from the checkout. */
export const shippedPath = (arch: Architecture) => `dist/${arch}.shipped.json`

/** What a build has left. */
export async function readShipped(checkout: string, arch: Architecture): Promise<Shipped> {
  const path = join(checkout, shippedPath(arch))
  try {
    return z.parse(schema, JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    throw cannot(`read ${path} (make it with: npm run build -- --arch ${arch})`, error)
  }
}

/** The packages that land in an image, each once. Refuses one without a hash, or with a licence that nobody has read. */
export function shippedOf(lock: Lock, own: { readonly version: string; readonly licence: string }): Shipped {
  const packages = new Map<string, ShippedPackage>()
  for (const path of shippedPackages(lock)) {
    const { version, integrity, license } = lock.packages[path] ?? {}
    const name = packageName(path)
    if (version === undefined || integrity === undefined) {
      throw cannot(`ship ${name}`, 'package-lock.json has no version or no integrity of it: run npm install')
    }
    const licence = knownLicence(`${name} ${version}`, license)
    packages.set(`${name}@${version}`, { name, version, licence, integrity, dependsOn: needs(lock, path) })
  }
  return {
    lastgasp: { ...own, dependsOn: needs(lock, '') },
    packages: [...packages.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each),
  }
}

/** `name@version` of what a package depends on. */
function needs(lock: Lock, path: string): string[] {
  return dependencies(lock, path)
    .map((at) => `${packageName(at)}@${lock.packages[at]?.version}`)
    .toSorted()
}
