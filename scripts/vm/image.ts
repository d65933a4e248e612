import { cp, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cannot } from '../../agent/words/cannot.ts'
import { baseTar, type Suite } from './base.ts'
import { makeDisk } from './disk.ts'
import { output } from './program.ts'

/** What QEMU starts: a raw disk, and the kernel and initrd that belong to it. */
export interface Image {
  readonly suite: Suite
  readonly disk: string
  readonly kernel: string
  readonly initrd: string
}

export interface ImageOptions {
  /** Where base systems are kept between runs. */
  readonly cache: string
  /** An existing directory for the image. */
  readonly home: string
  /** Trees that are laid over the base system before the bake, in order. */
  readonly trees: readonly string[]
  /** What the image builder runs: gets the root directory. */
  readonly bake: (root: string, signal: AbortSignal) => Promise<void>
}

/** Builds an image as its users do: base system, own files, bake, disk. */
export async function buildImage(suite: Suite, options: ImageOptions, signal: AbortSignal): Promise<Image> {
  if (process.getuid?.() !== 0) throw cannot(`build an image of ${suite}`, 'its files belong to root; run it as root')
  const { cache, home, trees, bake } = options
  const tar = await baseTar(suite, cache, signal)
  const root = await mkdtemp(join(home, 'root-'))
  try {
    await output('tar', ['-C', root, '--numeric-owner', '--xattrs', '--xattrs-include=*', '-xf', tar], {}, signal)
    await forgetBuilder(root)
    for (const tree of trees) await output('cp', ['-rT', '--preserve=mode,links', tree, root], {}, signal)
    await bake(root, signal)
    await bootedBefore(root)
    const boot = await readdir(join(root, 'boot'))
    const image = { suite, disk: join(home, 'disk'), kernel: join(home, 'kernel'), initrd: join(home, 'initrd') }
    await cp(join(root, 'boot', one(boot, 'vmlinuz-')), image.kernel)
    await cp(join(root, 'boot', one(boot, 'initrd.img-')), image.initrd)
    await makeDisk(root, image.disk, signal)
    return image
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

/** Takes out what mmdebstrap left of the machine it ran on. */
async function forgetBuilder(root: string): Promise<void> {
  for (const path of ['etc/apt/sources.list', 'etc/apt/sources.list.d', 'etc/resolv.conf', 'etc/hostname']) {
    await rm(join(root, path), { recursive: true, force: true })
  }
}

/**
 * Tells systemd that this /usr has been booted before (systemd-update-done.service(8)): every machine is a fresh copy, and would
 * spend seconds of emulation on the caches of the linker and of the journal's catalog.
 */
async function bootedBefore(root: string): Promise<void> {
  const later = Date.now() / 1000 + 60 // than what the bake has written to /usr, in whole seconds too
  for (const path of ['etc/.updated', 'var/.updated']) {
    await writeFile(join(root, path), '')
    await utimes(join(root, path), later, later)
  }
}

function one(names: readonly string[], prefix: string): string {
  const name = names.find((each) => each.startsWith(prefix))
  if (name === undefined) throw cannot(`find ${prefix}* in /boot of the image`, 'the kernel package left none')
  return name
}
