import { hash } from 'node:crypto'
import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Test } from 'tap'
import type { Architecture } from '../../scripts/image/runtime.ts'
import { PINS } from '../../scripts/image/runtime-pin.ts'
import { shippedPath } from '../../scripts/image/shipped.ts'

export const CHECKOUT = dirname(dirname(import.meta.dirname))
export const ARCH: Architecture = process.arch === 'arm64' ? 'arm64' : 'x64'
const TRIPLET = ARCH === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu'
/** Where Debian keeps libraries, from the root. */
export const LIBRARIES = `usr/lib/${TRIPLET}`
/** A small real program that needs nothing but glibc. */
const PROGRAM = '/usr/bin/env'

/** What npm says of an archive that is empty. */
export const INTEGRITY = `sha512-${hash('sha512', '', 'base64')}`

export type Files = Readonly<Record<string, string>>

/** Writes files; `-> x` as content makes a link to x. */
export function write(root: string, files: Files): string {
  for (const [path, content] of Object.entries(files)) {
    // Modes that no umask makes more of: what a group may write is no settings file.
    mkdirSync(dirname(join(root, path)), { recursive: true, mode: 0o755 })
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), join(root, path))
    else writeFileSync(join(root, path), content, { mode: 0o644 })
  }
  return root
}

/** A library that this very process has loaded. */
export function hostLibrary(name: string): string {
  const report = process.report.getReport() as unknown as { sharedObjects: string[] }
  const path = report.sharedObjects.find((one) => basename(one) === name)
  if (path === undefined) throw new Error(`Node has not loaded ${name}`)
  return realpathSync(path)
}

export function copyLibrary(root: string, name: string, from = hostLibrary(name)): void {
  mkdirSync(join(root, LIBRARIES), { recursive: true })
  copyFileSync(from, join(root, LIBRARIES, name))
}

/** What bake looks at in an image: an init that is an ELF file, flock, glibc, accounts. */
export function tinyImage(t: Test, files: Files = {}): string {
  const root = write(t.testdir({ image: {} }), {
    'image/usr/bin/flock': '',
    'image/usr/lib/systemd/placeholder': '',
    'image/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nsystemd-x:x:999:999::/:/usr/sbin/nologin\n',
    'image/etc/group': 'root:x:0:\nsystemd-x:x:999:\nother:x:998:\n',
    'image/etc/shadow': 'root:*:19000:0:99999:7:::\n',
    'image/lib': '-> usr/lib',
    'image/lib64': '-> /usr/lib64',
  })
  const image = join(root, 'image')
  copyFileSync(PROGRAM, join(image, 'usr/lib/systemd/systemd'))
  copyLibrary(image, 'libc.so.6')
  return write(image, files)
}

/** Pins that have this binary as the runtime of both architectures. */
export function pinsOf(binary: Buffer, proven: false | object = false, version = '26.0.0'): string {
  const from = { package: `node-linux-${ARCH}`, integrity: 'sha512-invented' }
  const pin = { version, sha256: hash('sha256', binary), from, proven }
  return JSON.stringify({ format: 1, runtimes: { x64: pin, arm64: pin } })
}

/** A checkout as npm run build leaves it, with a small program in the place of Node and the real units. */
export function tinyCheckout(t: Test, files: Files = {}): string {
  const home = `dist/${ARCH}/usr/lib/lastgasp`
  const checkout = write(join(t.testdirName, 'checkout'), {
    units: `-> ${join(CHECKOUT, 'units')}`,
    [`${home}/package.json`]: '{"version":"1.2.3"}',
    [`${home}/agent/main.js`]: 'one',
    [`${home}/bin/placeholder`]: '',
    [shippedPath(ARCH)]: JSON.stringify({
      lastgasp: { version: '1.2.3', licence: 'Apache-2.0', dependsOn: ['@a/b@1.0.0'] },
      packages: [
        { name: '@a/b', version: '1.0.0', licence: 'MIT', integrity: INTEGRITY, dependsOn: ['c@2.0.0'] },
        { name: 'c', version: '2.0.0', licence: 'ISC', integrity: INTEGRITY, dependsOn: [] },
      ],
    }),
    [PINS]: pinsOf(readFileSync(PROGRAM)),
    ...files,
  })
  copyFileSync(PROGRAM, join(checkout, home, 'bin/node'))
  return checkout
}

function below(directory: string): string[] {
  const entries = readdirSync(directory, { withFileTypes: true })
  return entries.flatMap((entry) => [
    entry.name,
    ...(entry.isDirectory() ? below(join(directory, entry.name)).map((path) => join(entry.name, path)) : []),
  ])
}

/** A program is compared by its hash: nobody reads a difference of megabytes. */
function brief(content: Buffer): string {
  return content.length > 8192 ? hash('sha256', content) : content.toString('latin1')
}

/** Every path below a directory with mode and content: two equal ones are the same tree. */
export function tree(root: string): Readonly<Record<string, string>> {
  const paths = below(root).toSorted()
  return Object.fromEntries(
    paths.map((path) => {
      const stat = lstatSync(join(root, path))
      const mode = (stat.mode & 0o7777).toString(8)
      if (stat.isSymbolicLink()) return [path, `-> ${readlinkSync(join(root, path))}`]
      return [path, stat.isDirectory() ? `directory ${mode}` : `${mode} ${brief(readFileSync(join(root, path)))}`]
    }),
  )
}
