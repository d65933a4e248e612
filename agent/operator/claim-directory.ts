import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BundleName } from '../bundle/keys.ts'
import { cannot } from '../cannot.ts'

/** Says which bundle a directory holds, from before its first artifact is there. */
const MARK = '.lastgasp-bundle'

/**
 * Makes the directory that a bundle goes to, for nobody but its owner; what is fetched may be memory. One that was
 * made for the same bundle before is used again; one that holds anything else is left alone.
 */
export async function claimDirectory(directory: string, { identity, bundle }: BundleName): Promise<void> {
  const mark = `${identity}/${bundle}\n`
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const names = await readdir(directory)
    if (names.length === 0) await writeFile(join(directory, MARK), mark, { flag: 'wx', mode: 0o600 })
    else if (!names.includes(MARK)) throw new Error('it holds something already; name another one with --to')
    else if ((await readFile(join(directory, MARK), 'utf8')) !== mark) {
      throw new Error('it holds another bundle; name another one with --to')
    }
  } catch (error) {
    throw cannot(`fetch into ${directory}`, error)
  }
}
