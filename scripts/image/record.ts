import { readFile, rm, rmdir } from 'node:fs/promises'
import * as z from 'zod/mini'
import { cannot } from '../../agent/words/cannot.ts'
import { inside, resolved } from './root.ts'

/** Where a bake leaves in the image what it did: the format is in ../BAKE.md. */
export const RECORD = 'usr/lib/lastgasp/bake.json'

/** A path of the image, relative to its root; what is read here is removed later. */
const path = z.string().check(z.refine((value) => !value.startsWith('/') && !value.split('/').includes('..')))

const schema = z.object({
  format: z.literal(1),
  version: z.string(),
  arch: z.string(),
  files: z.array(path),
  directories: z.array(path),
  account: z.array(path),
})

export type BakeRecord = Readonly<z.infer<typeof schema>>

/** What an earlier bake left; undefined where there was none. */
export async function readRecord(root: string): Promise<BakeRecord | undefined> {
  const file = await resolved(root, RECORD)
  try {
    return z.parse(schema, JSON.parse(await readFile(file, 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cannot(`read the record of an earlier bake, ${file}`, error)
  }
}

/** Removes files, then those of the directories that are empty after that. What is gone already is no error. */
export async function removePaths(
  root: string,
  files: readonly string[],
  directories: readonly string[],
): Promise<void> {
  for (const file of files) await rm(await inside(root, file), { force: true })
  const deepestFirst = directories.toSorted((one, other) => other.split('/').length - one.split('/').length)
  for (const directory of deepestFirst) {
    await rmdir(await inside(root, directory)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT' && error.code !== 'ENOTEMPTY') throw error
    })
  }
}
