import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { run } from './run.ts'

/** The package that a file of this machine belongs to. */
export interface Owner {
  readonly name: string
  readonly version: string
  /** https://github.com/package-url/purl-spec */
  readonly purl: string
  /** What it says of its licence: Debian's copyright file, or Fedora's licence files. */
  readonly licences: readonly string[]
}

/** Asks the package managers of this machine; undefined where none of them knows the file. */
export async function ownerOf(path: string, signal: AbortSignal): Promise<Owner | undefined> {
  return (await debian(path, signal)) ?? (await fedora(path, signal))
}

/** dpkg-query(1): a field is `${Name}`. */
const SHOWN = ['Package', 'Version', 'Architecture'].map((field) => `$\{${field}}`).join(' ')

async function debian(path: string, signal: AbortSignal): Promise<Owner | undefined> {
  // Before /usr was merged, packages were built with the short path, and dpkg still knows that one.
  for (const known of [path, path.replace(/^\/usr/, '')]) {
    const found = await told('dpkg-query', ['--search', known], signal)
    const owner = /^([a-z0-9][a-z0-9+.-]*(?::[a-z0-9]+)?)[,:] /.exec(found ?? '')?.[1]
    if (owner === undefined) continue
    const shown = await told('dpkg-query', ['--show', '--showformat', SHOWN, owner], signal)
    const [name, version, arch] = shown?.split(' ') ?? []
    if (name === undefined || version === undefined) continue
    const purl = `pkg:deb/${await distribution('debian')}/${name}@${encodeURIComponent(version)}?arch=${arch}`
    const texts = [`/usr/share/doc/${name}/copyright`, '/usr/share/common-licenses/GPL-3']
    return { name, version, purl, licences: await readAll(texts) }
  }
  return undefined
}

async function fedora(path: string, signal: AbortSignal): Promise<Owner | undefined> {
  const format = '%{NAME} %{VERSION}-%{RELEASE} %{ARCH}\n'
  const [name, version, arch] =
    (await told('rpm', ['-qf', '--queryformat', format, path], signal))?.trim().split(' ') ?? []
  if (name === undefined || version === undefined || arch === undefined) return undefined
  const purl = `pkg:rpm/${await distribution('fedora')}/${name}@${encodeURIComponent(version)}?arch=${arch}`
  const home = `/usr/share/licenses/${name}`
  const files = await readdir(home).catch(() => [])
  return { name, version, purl, licences: await readAll(files.toSorted().map((file) => join(home, file))) }
}

/** What a package manager prints; undefined where it is not there or does not know. */
async function told(program: string, args: readonly string[], signal: AbortSignal): Promise<string | undefined> {
  return run(program, args, signal).catch(() => {
    signal.throwIfAborted()
    return undefined
  })
}

/** ID of os-release(5). */
async function distribution(otherwise: string): Promise<string> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '')
  return parseEnv(release).ID ?? otherwise
}

async function readAll(paths: readonly string[]): Promise<readonly string[]> {
  const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8').catch(() => undefined)))
  return texts.filter((text) => text !== undefined)
}
