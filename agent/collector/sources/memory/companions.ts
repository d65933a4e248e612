import { readFile } from 'node:fs/promises'
import { release } from 'node:os'
import { join } from 'node:path'
import type { Lease } from '../../../streams/lease.ts'
import { sentence } from '../../../words/cannot.ts'
import { abandonable } from '../../../words/deadline.ts'
import { inChunks, type Outcome, type Reading } from '../../host/reading.ts'
import { maskText } from '../../masking/mask.ts'
import { TAR_END, tarWriter } from '../../tar/tar-writer.ts'
import type { Found } from '../source.ts'

interface Companion {
  /** In the tar. */
  readonly name: string
  /** Below the host's root; the first one that is there is taken. */
  readonly paths: readonly string[]
  readonly masked?: true
}

/** What a reader of the snapshot needs of the kernel that made it: VMCORE.md. */
function companions(): readonly Companion[] {
  return [
    { name: 'version', paths: ['proc/version'] },
    // Has the build-id: NT_GNU_BUILD_ID.
    { name: 'notes', paths: ['sys/kernel/notes'] },
    { name: 'vmcoreinfo', paths: ['sys/kernel/vmcoreinfo'] },
    { name: 'cmdline', paths: ['proc/cmdline'], masked: true },
    { name: 'modules', paths: ['proc/modules'] },
    { name: 'iomem', paths: ['proc/iomem'] },
    { name: 'config.gz', paths: ['proc/config.gz'] },
    { name: 'config', paths: [`boot/config-${release()}`, `usr/lib/modules/${release()}/config`] },
    { name: 'vmlinux.btf', paths: ['sys/kernel/btf/vmlinux'] },
    { name: 'kallsyms', paths: ['proc/kallsyms'] },
  ]
}

/** kallsyms 10 MiB, BTF 5 MiB, and the rest (Debian's kernels). */
const BYTES = 16 * 1024 * 1024
const RATIO = 0.25
/** One of a file's and its header's blocks. */
const ENTRY_ROOM = 8192

/** The kernel's own tables as one tar, to lie next to the snapshot. `patience`: ms that nothing may come. */
export function companionsItem(root: string, value: number, patience: number): Found {
  return {
    id: 'kernel',
    source: 'memory',
    name: 'memory/kernel.tar.zst',
    class: 'memory',
    phase: 'live',
    encoding: 'frames',
    bytes: BYTES,
    ratio: RATIO,
    value,
    patience,
    identity: { details: { source: 'memory', kernel: release() } },
    open: async (limit, signal) => readCompanions(root, limit, signal),
  }
}

function readCompanions(root: string, limit: number, signal: AbortSignal): Reading {
  const problems: string[] = []

  async function* chunks(): AsyncGenerator<Lease, void, void> {
    const tar = tarWriter(Date.now())
    let left = limit - TAR_END
    for (const { name, paths, masked } of companions()) {
      const content = await firstOf(root, paths, signal)
      if (content instanceof Error) problems.push(`${name}: ${sentence(content)}`)
      if (content === undefined || content instanceof Error) continue
      if (content.length + ENTRY_ROOM > left) {
        problems.push(`${name}: no room for its ${content.length} bytes`)
        continue
      }
      const entry = await tar.add({ name, content: masked ? Buffer.from(maskText(content.toString())) : content })
      left -= entry.length
      yield* inChunks(entry)
    }
    yield* inChunks(tar.end())
  }

  return {
    chunks: chunks(),
    outcome: (): Outcome => (problems.length === 0 ? {} : { truncated: problems.join('; ') }),
    async [Symbol.asyncDispose]() {},
  }
}

/** The first of the files that is there; the error of one that is and cannot be read; undefined where there is none. */
async function firstOf(
  root: string,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<Buffer | Error | undefined> {
  for (const path of paths) {
    try {
      return await abandonable(readFile(join(root, path)), signal)
    } catch (error) {
      signal.throwIfAborted()
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return error as Error
    }
  }
  return undefined
}
