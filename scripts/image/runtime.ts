import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { cannot } from '../../agent/cannot.ts'
import type { Lock } from './packages.ts'
import { run } from './run.ts'

/** Architectures with a pinned runtime, by Node's names. */
export const ARCHITECTURES = ['x64', 'arm64'] as const
export type Architecture = (typeof ARCHITECTURES)[number]

/**
 * Path of the pinned Node binary of an architecture: from node_modules where npm has installed it, else fetched by npm
 * into .cache (the only step that needs the network) and compared with the hash in package-lock.json.
 */
export async function runtimeBinary(
  checkout: string,
  lock: Lock,
  arch: Architecture,
  signal: AbortSignal,
): Promise<string> {
  const name = `node-linux-${arch}`
  const entry = lock.packages[`node_modules/${name}`]
  if (entry?.version === undefined || entry.integrity === undefined) {
    throw cannot(`find the runtime for ${arch}`, `package-lock.json has no ${name}: run npm install`)
  }
  const installed = join(checkout, 'node_modules', name, 'bin/node')
  if (await exists(installed)) return installed
  const cached = join(checkout, '.cache', `${name}-${entry.version}`)
  const binary = join(cached, 'package/bin/node')
  if (await exists(binary)) return binary
  try {
    const partial = `${cached}.${process.pid}`
    await mkdir(partial, { recursive: true })
    await run('npm', ['pack', '--silent', `${name}@${entry.version}`, '--pack-destination', partial], signal)
    const archive = join(partial, `${name}-${entry.version}.tgz`)
    verify(await readFile(archive), entry.integrity)
    await run('tar', ['-xzf', archive, '-C', partial, 'package/bin/node', 'package/LICENSE'], signal)
    await rm(archive)
    await rename(partial, cached)
    return binary
  } catch (error) {
    throw cannot(`fetch ${name}@${entry.version} (this needs the network; baking does not)`, error)
  }
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
