import { shownName } from '../../../words/host-name.ts'
import type { HostReads } from '../../host/host-reads.ts'
import { maskText } from '../../masking/mask.ts'
import type { Entry } from '../../tar/entry.ts'
import type { WantedFile } from './wanted-files.ts'

/** The files of a list, in its order, each as soon as it was read, without those that could not be. */
export async function* wanted(reads: HostReads, list: readonly WantedFile[]): AsyncGenerator<Entry, void, void> {
  for (const file of list) {
    for (const name of await expand(reads, file.path)) {
      const content = await reads.bytes(name, file)
      if (content !== undefined) yield { name: shownName(name), content: file.masked ? masked(content) : content }
    }
  }
}

/** `sys/block/*` plus the rest of the path, for every name there is; a path without a star is itself. */
async function expand(reads: HostReads, path: string): Promise<readonly string[]> {
  const [before, after] = path.split('*', 2)
  if (before === undefined || after === undefined) return [path]
  return ((await reads.names(before, { optional: true })) ?? []).map((name) => before + name + after)
}

/** latin1, because every byte that is no secret must come through as it is. */
function masked(content: Buffer): Buffer {
  return Buffer.from(maskText(content.toString('latin1')), 'latin1')
}
