import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BundleName } from '../../bundle/keys.ts'
import { cannot } from '../../words/cannot.ts'
import { ownDirectory } from './own-directory.ts'
import { writeOwn } from './place.ts'

/** Says which bundle a directory holds, from before its first artifact is there. */
const MARK = '.lastgasp-bundle'

/**
 * Makes the directory that a bundle goes to, for nobody but its owner; what is fetched may be memory. One that was
 * made for the same bundle before is used again; one that holds anything else is left alone. Gives its path, without symbolic links.
 */
export async function claimDirectory(directory: string, { identity, bundle }: BundleName): Promise<string> {
  const mark = `${identity}/${bundle}\n`
  try {
    const own = await ownDirectory(directory)
    const names = await readdir(own)
    if (names.length === 0) await writeOwn(join(own, MARK), mark)
    else if (!names.includes(MARK)) throw new Error('it holds something already; name another one with --to')
    else if ((await readFile(join(own, MARK), 'utf8')) !== mark) {
      throw new Error('it holds another bundle; name another one with --to')
    }
    return own
  } catch (error) {
    throw cannot(`fetch into ${directory}`, error)
  }
}
