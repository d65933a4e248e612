import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Trouble } from './bring.ts'

/** Trees of ours that say themselves what they lack, in their last entry: FACTS.md, "errors.txt". */
const TELLING: readonly string[] = ['facts', 'stacks', 'threads', 'traces', 'traces-late']
/** What is read of it: more than the 500 lines that it may have. */
const MOST_BYTES = 256 * 1024
/** Characters of a line that are told. */
const TOLD = 300

/**
 * What an unpacked tree says itself of what it lacks, for where no receipt tells. `files` are those that were unpacked, and the tree
 * is `folder` of them, below `directory`.
 */
export async function toldInside(directory: string, folder: string, files: readonly string[]) {
  if (!TELLING.includes(folder)) return undefined
  const name = `${folder}/errors.txt`
  if (!files.includes(name)) return truncated('it ends before its errors.txt, in which it says what it lacks')
  const lost = lostLines(await beginningOf(join(directory, name)))
  const [first] = lost
  if (first === undefined) return undefined
  const more = lost.length > 1 ? `, and ${lost.length - 1} more in ${name}` : ''
  return truncated(`${first.slice(0, TOLD)}${more}`)
}

/** The lines above the first empty one, of which there is none where nothing was lost. */
function lostLines(text: string): readonly string[] {
  const end = text.startsWith('\n') ? 0 : text.indexOf('\n\n')
  return end <= 0 ? [] : text.slice(0, end).split('\n')
}

async function beginningOf(path: string): Promise<string> {
  await using file = await open(path)
  const { bytesRead, buffer } = await file.read(Buffer.alloc(MOST_BYTES), 0, MOST_BYTES, 0)
  return buffer.toString('utf8', 0, bytesRead)
}

const truncated = (reason: string): Trouble => ({ status: 'truncated', reason })
