import { lstat, open, readdir, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { cannot } from '../../agent/words/cannot.ts'
import { elfArchitecture } from './elf.ts'
import type { Architecture } from './runtime.ts'

/** Links followed in one path: the kernel's own limit, path_resolution(7). */
const MAX_LINKS = 40

/** First systemd with all that units/ relies on: Startup weights at shutdown and the credentials specifier %d. */
const OLDEST_SYSTEMD = 250

/**
 * Where a path of the image lies on this machine, with links followed as in a chroot: `/usr/lib64` as the target of a link is
 * the image's. The last name is not followed, and need not exist.
 */
export async function inside(root: string, path: string): Promise<string> {
  const ahead = path.split('/')
  const last = ahead.pop() ?? ''
  return join(await follow(root, path, ahead), last)
}

/** The same with the last name followed too. */
export async function resolved(root: string, path: string): Promise<string> {
  return follow(root, path, path.split('/'))
}

async function follow(root: string, path: string, ahead: string[]): Promise<string> {
  const behind: string[] = []
  let links = 0
  for (let name = ahead.shift(); name !== undefined; name = ahead.shift()) {
    if (name === '' || name === '.') continue
    if (name === '..') {
      behind.pop()
      continue
    }
    const here = join(root, ...behind, name)
    const target = (await lstat(here).catch(() => undefined))?.isSymbolicLink() ? await readlink(here) : undefined
    if (target === undefined) {
      behind.push(name)
      continue
    }
    links += 1
    if (links > MAX_LINKS) throw cannot(`follow ${path} in ${root}`, 'its links lead in a circle')
    if (target.startsWith('/')) behind.length = 0
    ahead.unshift(...target.split('/'))
  }
  return join(root, ...behind)
}

/** Whether the image has a file at this path. */
export async function has(root: string, path: string): Promise<boolean> {
  return stat(await resolved(root, path)).then(
    (found) => found.isFile(),
    () => false,
  )
}

/** The image's architecture. Refuses a root in which the units could not work, and says what to add. */
export async function examineRoot(root: string): Promise<Architecture> {
  if (!(await stat(root).catch(() => undefined))?.isDirectory()) throw cannot(`bake into ${root}`, 'it is no directory')
  const systemd = 'usr/lib/systemd/systemd'
  if (!(await has(root, systemd))) {
    throw cannot(
      `bake into ${root}`,
      `it has no ${systemd}: it must be the root of an image that boots with systemd, with /usr merged`,
    )
  }
  const version = await systemdVersion(root)
  if (version !== undefined && version < OLDEST_SYSTEMD) {
    throw cannot(`bake into ${root}`, `its systemd is ${version}, and ${OLDEST_SYSTEMD} or later is needed`)
  }
  if (!(await has(root, 'usr/bin/flock'))) {
    throw cannot(`bake into ${root}`, 'it has no usr/bin/flock: add the package util-linux (Fedora: util-linux-core)')
  }
  await using file = await open(await resolved(root, systemd))
  const arch = elfArchitecture((await file.read(Buffer.alloc(64), 0, 64)).buffer)
  if (arch === undefined) throw cannot(`bake into ${root}`, `its ${systemd} is neither for x86-64 nor for arm64`)
  return arch
}

/** From the name of systemd's own library; undefined where it is not in the usual places. */
async function systemdVersion(root: string): Promise<number | undefined> {
  for (const directory of [
    'usr/lib/systemd',
    'usr/lib/x86_64-linux-gnu/systemd',
    'usr/lib/aarch64-linux-gnu/systemd',
  ]) {
    for (const name of await readdir(await resolved(root, directory)).catch(() => [])) {
      const version = /^libsystemd-shared-(\d+)/.exec(name)?.[1]
      if (version !== undefined) return Number(version)
    }
  }
  return undefined
}
