import { constants } from 'node:fs'
import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { openOwned } from '../host/owned-file.ts'
import { below, type CoreFile, named, seen } from './core-file.ts'
import { COMPRESSED } from './coredump-name.ts'
import { isHostsOwn } from './keepers.ts'

/** The kernel's log as kdump saves it: Debian's dmesg.<stamp>, RHEL's vmcore-dmesg.txt and kexec-dmesg.log. */
const DMESG = /^(?:dmesg\.\d+|vmcore-dmesg(?:-incomplete)?\.txt|kexec-dmesg\.log)(?:\.(?:zst|lz4|xz|gz))?$/
/** The kernel's memory: Debian's dump.<stamp>, RHEL's vmcore. */
const VMCORE = /^(?:vmcore|dump\.)/
/** Entries of such a directory that are looked at: kdump leaves two or three. */
const MOST_ENTRIES = 1000

/** A directory for one crash of the kernel, below the one that is looked into. */
export interface DumpPlace {
  readonly directory: string
  readonly name: Buffer
  /** It lies in memory. */
  readonly isVolatile: boolean
  /** ms since the epoch */
  readonly now: number
}

/** What kdump left in its directory for one crash, and how many entries are there besides. By stat only. */
export async function kernelDumps(
  root: string,
  { directory, name: own, isVolatile, now }: DumpPlace,
  signal: AbortSignal,
): Promise<{ readonly files: readonly CoreFile[]; readonly others: number }> {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants
  const place = named(Buffer.from(directory), own)
  const stamp = own.toString('utf8')
  using handle = await openOwned(below(root, place.raw), O_RDONLY | O_DIRECTORY | O_NOFOLLOW, signal)
  // By descriptor: whoever may write the directory above could swap this one for another while it is looked into.
  const here = `/proc/self/fd/${handle.fd}`
  if (!isHostsOwn(await handle.stat(signal))) throw new Error('it is not the directory that was found there before')
  const files: CoreFile[] = []
  let [others, looked] = [0, 0]
  for await (const { name } of await opendir(here)) {
    signal.throwIfAborted()
    if (name.startsWith('.')) continue
    if (++looked > MOST_ENTRIES) throw new Error(`it has more than ${MOST_ENTRIES} entries`)
    const kind = DMESG.test(name) ? 'dmesg' : VMCORE.test(name) ? 'vmcore' : undefined
    const stats = kind && (await lstat(join(here, name)).catch(() => undefined))
    if (kind === undefined || !stats?.isFile()) {
      others++
      continue
    }
    const file = named(place.raw, Buffer.from(name))
    const suffix = COMPRESSED.exec(name)?.[0] ?? ''
    const label = `${stamp}.${name.slice(0, name.length - suffix.length)}`
    const found = seen(stats, now)
    const identity = { path: file.path, at: found.at, comm: 'kernel' }
    files.push({
      ...file,
      directory,
      ...found,
      kind,
      label,
      suffix,
      owner: stats.uid,
      claimed: false,
      isVolatile,
      identity,
    })
  }
  return { files, others }
}
