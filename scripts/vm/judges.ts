import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cannot } from '../../agent/words/cannot.ts'
import { debian, exists, type Suite } from './base.ts'
import { type Ran, run } from './program.ts'

/**
 * What reads a kernel's memory, from the newest Debian for all kernels: these programs know the kernels that are older than
 * themselves, not the newer ones (makedumpfile 1.7.6 of Debian 13 takes no page of Debian 13's kernel for free).
 */
const JUDGES_FROM: Suite = 'forky'
const JUDGES = ['python3-drgn', 'crash', 'makedumpfile']
/** Where Debian's debug packages put symbols, and where drgn looks for them. */
const SYMBOLS = 'usr/lib/debug'

/** The programs, in a tree of their own, with the debug symbols of one kernel. */
export interface Judges {
  /** Of the kernel, as the programs see it. */
  readonly vmlinux: string
  /** Runs a program to its end; `directory` is its /mnt and its working directory. */
  run(command: readonly string[], directory: string, signal: AbortSignal): Promise<Ran>
}

/** Brings drgn, crash and makedumpfile, and the symbols of a suite's kernel, by Debian package, unless `cache` has them. */
export async function bringJudges(suite: Suite, release: string, cache: string, signal: AbortSignal): Promise<Judges> {
  const home = join(cache, 'judges')
  await mkdir(home, { recursive: true })
  const tree = await once(join(home, JUDGES_FROM), (into) => debian(JUDGES_FROM, 'minbase', JUDGES, into, signal))
  const symbols = await once(join(home, release), (into) => symbolsOf(suite, release, into, signal))
  await mkdir(join(tree, SYMBOLS), { recursive: true })
  const mounts = [
    `mount --bind "$symbols/${SYMBOLS}" "$tree/${SYMBOLS}"`,
    'mount --bind "$directory" "$tree/mnt"',
    'mount -t proc proc "$tree/proc"',
  ]
  return {
    vmlinux: `/${SYMBOLS}/boot/vmlinux-${release}`,
    run(command, directory, abort) {
      const script = [...mounts, 'exec chroot "$tree" env -C /mnt "$@"'].join(' && ')
      const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', TERM: 'dumb', tree, symbols, directory }
      // a namespace of mounts of its own, which goes with the program
      const args = ['--mount', '--fork', '--kill-child', 'sh', '-c', script, 'sh', ...command]
      return run('unshare', args, { env }, abort)
    },
  }
}

async function symbolsOf(suite: Suite, release: string, into: string, signal: AbortSignal): Promise<void> {
  try {
    await debian(suite, 'extract', [`linux-image-${release}-dbg`], into, signal)
  } catch (thrown) {
    const fix = `if ${suite} has moved on to another kernel, remove the ${suite}-*.tar that the images are made of`
    throw cannot(`bring the symbols of ${release} (${fix})`, thrown)
  }
}

/** Makes a directory whole or not at all. */
async function once(directory: string, make: (into: string) => Promise<void>): Promise<string> {
  if (await exists(directory)) return directory
  const partial = `${directory}.${process.pid}.partial`
  try {
    await make(partial)
    await rename(partial, directory)
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  return directory
}
