import { createHash } from 'node:crypto'
import { access, mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cannot } from '../../agent/words/cannot.ts'
import { output } from './program.ts'

/** Debian releases that the units are tried on: systemd 252, 257 and 262. */
export const SUITES = ['bookworm', 'trixie', 'forky'] as const
export type Suite = (typeof SUITES)[number]

/** Everything a small server has and a capture meets; what lastgasp itself needs is brought by the bake. */
const PACKAGES = [
  ...['systemd', 'systemd-sysv', 'systemd-coredump', 'systemd-resolved', 'dbus', 'udev', 'kmod', 'iproute2'],
  ...['linux-image-cloud-amd64', 'initramfs-tools', 'zstd', 'cloud-init'],
]

/** The base system of a suite as a tar file below `cache`, made by mmdebstrap(1) unless it is there already. */
export async function baseTar(suite: Suite, cache: string, signal: AbortSignal): Promise<string> {
  const recipe = createHash('sha256')
    .update(JSON.stringify([suite, PACKAGES]))
    .digest('hex')
    .slice(0, 12)
  const tar = join(cache, `${suite}-${recipe}.tar`)
  if (await exists(tar)) return tar
  await mkdir(cache, { recursive: true })
  const partial = `${tar}.${process.pid}.partial.tar`
  try {
    await debian(suite, 'minbase', PACKAGES, partial, signal)
    await rename(partial, tar)
  } finally {
    await rm(partial, { force: true })
  }
  return tar
}

/**
 * Makes a tar file or directory of Debian packages and what they depend on: mmdebstrap(1), whose variant `minbase` installs them
 * with a base system, and `extract` only unpacks them.
 */
export async function debian(
  suite: Suite,
  variant: 'minbase' | 'extract',
  packages: readonly string[],
  target: string,
  signal: AbortSignal,
): Promise<void> {
  const source = `deb ${await debianMirror(signal)} ${suite} main`
  const args = ['--quiet', `--variant=${variant}`, `--include=${packages.join(',')}`]
  // A snapshot or a testing suite may have run out of its date: that is no matter for a test image.
  args.push('--aptopt=Acquire::Check-Valid-Until "false"', suite, target, source)
  await output('mmdebstrap', args, {}, signal)
}

/** The Debian mirror that this machine itself installs from: apt-get(8), indextargets. */
async function debianMirror(signal: AbortSignal): Promise<string> {
  const format = ['--format', '$(REPO_URI)', 'Created-By: Packages', 'Origin: Debian', 'Label: Debian']
  const [mirror] = (await output('apt-get', ['indextargets', ...format], {}, signal)).split('\n')
  if (!mirror) throw cannot('find a Debian mirror', 'apt has no package lists of Debian; run: apt-get update')
  return mirror
}

export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
