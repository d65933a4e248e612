import { chmod, copyFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { cannot, sentence } from '../agent/words/cannot.ts'
import { knownLicence, packageLicences } from './image/licences.ts'
import { dependedOn, type Lock, type PackageManifest, shippedFile, shippedPackages } from './image/packages.ts'
import { pathsBelow } from './image/place.ts'
import { run } from './image/run.ts'
import { ARCHITECTURES, type Architecture, runtimeBinary } from './image/runtime.ts'
import { knownRuntime } from './image/runtime-pin.ts'
import { shippedOf, shippedPath } from './image/shipped.ts'

const CHECKOUT = dirname(import.meta.dirname)
/** Everything is done in seconds but the download of a runtime. */
const BUILD_LIMIT = 10 * 60_000

/** Builds dist/<arch>: what scripts/bake copies, laid out as in the image. */
async function build(arch: Architecture, signal: AbortSignal): Promise<void> {
  const lock = await readJson<Lock>(join(CHECKOUT, 'package-lock.json'))
  const binary = await runtimeBinary(CHECKOUT, lock, arch, signal)
  await knownRuntime(CHECKOUT, arch, binary)
  const home = join(CHECKOUT, 'dist', arch, 'usr/lib/lastgasp')
  for (const old of [join('dist', arch), shippedPath(arch)]) {
    await rm(join(CHECKOUT, old), { recursive: true, force: true })
  }
  const { name, version, license } = await readJson<Record<string, string>>(join(CHECKOUT, 'package.json'))
  const shipped = shippedOf(lock, { version: version ?? '', licence: knownLicence('lastgasp', license) })

  const compiler = join(CHECKOUT, 'node_modules/.bin/tsc')
  await run(compiler, ['-p', join(CHECKOUT, 'agent'), '--outDir', join(home, 'agent')], signal)
  await copyPackages(lock, home)
  await mkdir(join(home, 'bin'))
  await copyFile(binary, join(home, 'bin/node'))
  await chmod(join(home, 'bin/node'), 0o755)
  await copyFile(join(CHECKOUT, 'LICENSE'), join(home, 'LICENSE'))
  await writeLicences(lock, join(dirname(dirname(binary)), 'LICENSE'), home)
  await writeFile(join(home, 'package.json'), `${JSON.stringify({ name, version, license, type: 'module' })}\n`)
  await writeFile(join(CHECKOUT, shippedPath(arch)), `${JSON.stringify(shipped, null, 1)}\n`)
  // A foreign binary does not run here; the JavaScript is the same.
  if (arch === process.arch) await loadEverything(lock, home, signal)
}

async function writeLicences(lock: Lock, ofNode: string, home: string): Promise<void> {
  const own = await readFile(join(CHECKOUT, 'LICENSE'), 'utf8')
  await mkdir(join(home, 'licences'))
  await copyFile(ofNode, join(home, 'licences/node.txt'))
  await writeFile(join(home, 'licences/packages.txt'), await packageLicences(CHECKOUT, lock, own))
}

async function copyPackages(lock: Lock, home: string): Promise<void> {
  const required = dependedOn(lock)
  for (const path of shippedPackages(lock)) {
    const from = join(CHECKOUT, path)
    const manifest = await readJson<PackageManifest>(join(from, 'package.json'))
    for (const file of await filesOf(from)) {
      if (!shippedFile(manifest, required, file)) continue
      await cp(join(from, file), join(home, path, file))
    }
  }
}

/** Files of one package, relative to it; what is nested below its node_modules is a package of its own. */
async function filesOf(directory: string): Promise<string[]> {
  return (await pathsBelow(directory)).filter((path) => !path.split('/').includes('node_modules'))
}

/**
 * Loads every module of ours and every shipped package with the binary that ships: a file that was left out by
 * mistake fails the build and not a capture.
 */
async function loadEverything(lock: Lock, home: string, signal: AbortSignal): Promise<void> {
  const ours = (await pathsBelow(join(home, 'agent'))).filter((file) => file.endsWith('.js') && file !== 'main.js')
  const packages = shippedPackages(lock).filter((path) => path.lastIndexOf('node_modules/') === 0)
  const program = `
    const [ours, packages] = process.argv.slice(1).map((list) => JSON.parse(list))
    for (const file of ours) await import(file)
    for (const name of packages) await import(name).catch((error) => {
      if (error.code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw error
    })`
  const args = [
    ...['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program],
    JSON.stringify(ours.map((file) => join(home, 'agent', file))),
    JSON.stringify(packages.map((path) => path.slice('node_modules/'.length))),
  ]
  await run(join(home, 'bin/node'), args, signal, home)
}

async function readJson<T>(path: string): Promise<T> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T
  } catch (error) {
    throw cannot(`read ${path}`, error)
  }
}

try {
  const { values } = parseArgs({ options: { arch: { type: 'string', default: process.arch } } })
  const arch = ARCHITECTURES.find((known) => known === values.arch)
  if (arch === undefined) throw cannot(`build for ${values.arch}`, `--arch is one of ${ARCHITECTURES.join(', ')}`)
  await build(arch, AbortSignal.timeout(BUILD_LIMIT))
  console.log(`dist/${arch} is built: scripts/bake --root DIR installs it`)
} catch (error) {
  console.error(sentence(error))
  process.exitCode = 1
}
