import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { cannot } from '../../agent/words/cannot.ts'
import type { Lock } from './packages.ts'
import { run } from './run.ts'

/** Architectures with a pinned runtime, by Node's names. */
export const ARCHITECTURES = ['x64', 'arm64'] as const
export type Architecture = (typeof ARCHITECTURES)[number]

/** Path of the Node binary of an architecture: from node_modules where npm has installed it, else as `packedBinary`. */
export async function runtimeBinary(
  checkout: string,
  lock: Lock,
  arch: Architecture,
  signal: AbortSignal,
): Promise<string> {
  const installed = join(checkout, 'node_modules', packageOf(lock, arch).name, 'bin/node')
  return (await exists(installed)) ? installed : packedBinary(checkout, lock, arch, signal)
}

/**
 * Path of the Node binary of an architecture in .cache, fetched by npm where it is not there yet (this needs the
 * network) and compared with the hash in package-lock.json.
 */
export async function packedBinary(
  checkout: string,
  lock: Lock,
  arch: Architecture,
  signal: AbortSignal,
): Promise<string> {
  const { name, version, integrity } = packageOf(lock, arch)
  const cached = join(checkout, '.cache', `${name}-${version}`)
  const binary = join(cached, 'package/bin/node')
  if (await exists(binary)) return binary
  try {
    const partial = `${cached}.${process.pid}`
    await mkdir(partial, { recursive: true })
    await run('npm', ['pack', '--silent', `${name}@${version}`, '--pack-destination', partial], signal)
    const archive = join(partial, `${name}-${version}.tgz`)
    verify(await readFile(archive), integrity)
    await run('tar', ['-xzf', archive, '-C', partial, 'package/bin/node', 'package/LICENSE'], signal)
    await rm(archive)
    await rename(partial, cached)
    return binary
  } catch (error) {
    throw cannot(`fetch ${name}@${version} (this needs the network; baking does not)`, error)
  }
}

/** The npm package that brings the runtime of an architecture, as package-lock.json names it. */
export function packageOf(lock: Lock, arch: Architecture) {
  const name = `node-linux-${arch}`
  const { version, integrity } = lock.packages[`node_modules/${name}`] ?? {}
  if (version === undefined || integrity === undefined) {
    throw cannot(`find the runtime for ${arch}`, `package-lock.json has no ${name}: run npm install`)
  }
  return { name, version, integrity }
}

/** Subresource integrity as npm writes it: `sha512-<base64>`. */
export function verify(content: Buffer, integrity: string): void {
  const [algorithm = '', expected] = integrity.split('-', 2)
  const found = createHash(algorithm).update(content).digest('base64')
  if (found !== expected)
    throw cannot('trust what was fetched', `its ${algorithm} is ${found}, package-lock.json says ${expected}`)
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
