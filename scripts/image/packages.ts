/** What of node_modules lands in the image: pure decisions, the copying is in ../build.ts. */

/** The part of package-lock.json (lockfileVersion 3) that is read here; keys are paths such as `node_modules/zod`. */
export interface Lock {
  readonly packages: Readonly<Record<string, LockedPackage>>
}

export interface LockedPackage {
  readonly version?: string
  readonly integrity?: string
  readonly license?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** The part of a package's package.json that is read here. */
export interface PackageManifest {
  readonly name?: string
  readonly type?: string
  readonly exports?: unknown
}

/** The runtime is copied as one file; bare-* are for another runtime, behind conditions that Node does not set. */
const NOT_SHIPPED = /(^|\/)node_modules\/(node-linux-[^/]+|bare-[^/]+)(\/|$)/

/** Paths of the packages that run in production: what lastgasp needs, what that needs, and so on; nested ones included. */
export function shippedPackages(lock: Lock): string[] {
  const found = new Set<string>()
  const ahead = dependencies(lock, '')
  for (let path = ahead.pop(); path !== undefined; path = ahead.pop()) {
    if (found.has(path)) continue
    found.add(path)
    ahead.push(...dependencies(lock, path))
  }
  return [...found].toSorted()
}

/** Paths of what a package depends on, as Node finds it: in its own node_modules, else in those around it. */
export function dependencies(lock: Lock, path: string): string[] {
  const { dependencies, optionalDependencies, peerDependencies } = lock.packages[path] ?? {}
  const names = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })
  const around = path === '' ? [] : path.split(/(?=\/node_modules\/)/)
  const places = around.map((_, index) => `${around.slice(0, around.length - index).join('')}/node_modules`)
  return names.flatMap((name) => {
    const at = [...places, 'node_modules'].map((place) => `${place}/${name}`).find((each) => each in lock.packages)
    return at === undefined || NOT_SHIPPED.test(at) ? [] : [at]
  })
}

/** `a/node_modules/@b/c` → `@b/c` */
export const packageName = (path: string) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)

/** Names that another shipped package depends on: these may be loaded by `require`, the rest only by our own `import`. */
export function dependedOn(lock: Lock): ReadonlySet<string> {
  return new Set(shippedPackages(lock).flatMap((path) => dependencies(lock, path).map(packageName)))
}

/** Names of files that hold a licence, or what it wants to be told. */
export const LICENCE = /^(licen[cs]e|copying|copyright|notice)/i
const NOT_RUN = /\.(tsx?|[cm]ts|map|md|html|ico|ya?ml)$|\.(browser|native)\.js$/
const NOT_RUN_DIRECTORIES = new Set(['test', 'tests', 'docs', 'examples', 'benchmarks', 'dist-types', 'prebuilds'])

/**
 * Whether Node can need a file of a package at run time. `path` is relative to the package. Licences are always kept.
 * Two builds of the same code travel once: the one that `exports` leads Node to.
 */
export function shippedFile(manifest: PackageManifest, required: ReadonlySet<string>, path: string): boolean {
  const names = path.split('/')
  const [top, last] = [names[0] ?? '', names.at(-1) ?? '']
  if (LICENCE.test(last)) return true
  if (names.some((name) => name.startsWith('.')) || NOT_RUN.test(last)) return false
  if (names.length > 1 && NOT_RUN_DIRECTORIES.has(top)) return false
  const resolved = [...targets(manifest.exports)]
  if (top === 'dist-es') return resolved.some((target) => target.startsWith('./dist-es/'))
  if (path.endsWith('.cjs')) return manifest.type !== 'module' || required.has(manifest.name ?? '')
  return true
}

/** Conditions that Node 26 sets for `import`, and for `require`: nodejs.org/api/packages.html. */
const CONDITIONS = ['import', 'require'].map((way) => new Set([way, 'node', 'node-addons', 'module-sync', 'default']))

function targets(exports: unknown): readonly string[] {
  if (typeof exports !== 'object' || exports === null || Array.isArray(exports)) return select(exports, new Set())
  const subpaths = Object.keys(exports).some((key) => key.startsWith('.')) ? Object.values(exports) : [exports]
  return subpaths.flatMap((subpath) => CONDITIONS.flatMap((conditions) => select(subpath, conditions)))
}

/** The first condition that leads somewhere wins. */
function select(target: unknown, conditions: ReadonlySet<string>): readonly string[] {
  if (typeof target === 'string') return [target]
  if (Array.isArray(target)) return target.flatMap((one) => select(one, conditions))
  if (typeof target !== 'object' || target === null) return []
  for (const [condition, value] of Object.entries(target)) {
    if (!conditions.has(condition)) continue
    const found = select(value, conditions)
    if (found.length > 0) return found
  }
  return []
}
