import { constants } from 'node:fs'
import { lstat, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type CoreFile, seen } from './core-file.ts'
import { COMPRESSED } from './coredump-name.ts'

/** The kernel's log as kdump saves it: Debian's dmesg.<stamp>, RHEL's vmcore-dmesg.txt and kexec-dmesg.log. */
const DMESG = /^(?:dmesg\.\d+|vmcore-dmesg(?:-incomplete)?\.txt|kexec-dmesg\.log)(?:\.(?:zst|lz4|xz|gz))?$/
/** The kernel's memory: Debian's dump.<stamp>, RHEL's vmcore. */
const VMCORE = /^(?:vmcore|dump\.)/

/** What kdump left in its directory for one crash, and how many entries are there besides. By stat only. */
export async function kernelDumps(
  root: string,
  directory: string,
  stamp: string,
  signal: AbortSignal,
): Promise<{ readonly files: readonly CoreFile[]; readonly others: number }> {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants
  const handle = await open(join(root, directory), O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  try {
    // By descriptor: whoever may write the directory above could swap this one for a link while it is looked into.
    const here = `/proc/self/fd/${handle.fd}`
    const files: CoreFile[] = []
    let others = 0
    for (const name of await readdir(here)) {
      signal.throwIfAborted()
      if (name.startsWith('.')) continue
      const kind = DMESG.test(name) ? 'dmesg' : VMCORE.test(name) ? 'vmcore' : undefined
      const stats = kind && (await lstat(join(here, name)).catch(() => undefined))
      if (kind === undefined || !stats?.isFile()) {
        others++
        continue
      }
      const path = join(directory, name)
      const suffix = COMPRESSED.exec(name)?.[0] ?? ''
      const label = `${stamp}.${name.slice(0, name.length - suffix.length)}`
      const at = Math.round(stats.mtimeMs)
      files.push({ path, ...seen(stats), kind, label, suffix, at, identity: { path, at, comm: 'kernel' } })
    }
    return { files, others }
  } finally {
    await handle.close()
  }
}
