import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { output } from './program.ts'

/** Room for the largest core of the tests: systemd-coredump takes at most a tenth of its file system. */
const DISK_BYTES = 16 * 1024 ** 3

/** Makes a raw ext4 disk of a directory, without mounting anything. Sparse: as large on this machine as its content. */
export async function makeDisk(root: string, disk: string, signal: AbortSignal): Promise<void> {
  await rm(disk, { force: true })
  await output('mke2fs', ['-q', '-t', 'ext4', '-d', root, disk, `${DISK_BYTES / 1024}k`], {}, signal)
}

/** A copy for one machine to write to. */
export async function copyDisk(from: string, to: string, signal: AbortSignal): Promise<void> {
  await output('cp', ['--sparse=auto', '--reflink=auto', from, to], {}, signal)
}

/** `S_IFREG` of inode(7). */
const S_IFREG = 0o100000

/** What is put on a disk: a file (of mode 0644 unless it says otherwise) or a symbolic link. */
export type GuestFile = { readonly content: string | Buffer; readonly mode?: number } | { readonly link: string }

/** Writes files, with the directories above them, to a disk that no machine runs on: debugfs(8). */
export async function putFiles(
  disk: string,
  files: Readonly<Record<string, GuestFile>>,
  signal: AbortSignal,
): Promise<void> {
  const scratch = await mkdtemp(join(tmpdir(), 'vm-files-'))
  try {
    const commands: string[] = []
    for (const [index, [path, file]] of Object.entries(files).entries()) {
      for (const directory of directoriesAbove(path)) commands.push(`mkdir ${directory}`)
      commands.push(`rm ${path}`)
      if ('link' in file) commands.push(`symlink ${path} ${file.link}`)
      else {
        const local = join(scratch, String(index))
        await writeFile(local, file.content)
        const mode = (S_IFREG | (file.mode ?? 0o644)).toString(8)
        commands.push(`write ${local} ${path}`, `sif ${path} mode 0${mode}`, `sif ${path} uid 0`, `sif ${path} gid 0`)
      }
    }
    // What debugfs finds there already it complains about and goes on.
    const script = join(scratch, 'commands')
    await writeFile(script, commands.join('\n'))
    await output('debugfs', ['-w', '-f', script, disk], {}, signal)
  } finally {
    await rm(scratch, { recursive: true })
  }
}

/** Copies a file or directory from the disk of a machine that is off into a directory here. */
export async function takeFiles(disk: string, path: string, into: string, signal: AbortSignal): Promise<void> {
  await output('debugfs', ['-R', `rdump ${path} ${into}`, disk], {}, signal)
}

function directoriesAbove(path: string): string[] {
  const parent = dirname(path)
  return parent === '/' ? [] : [...directoriesAbove(parent), parent]
}
