import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { cannot } from '../../words/cannot.ts'
import { StoreError } from '../store.ts'

/**
 * Refuses a key whose object, or a directory on the way to it, is a symbolic link: who may write in the store could lead root,
 * or the operator, to any other place by one. What is not there is no link.
 */
export async function refuseLinks(root: string, key: string): Promise<void> {
  let path = root
  for (const part of key.split('/')) {
    path = join(path, part)
    const stats = await lstat(path).catch(() => undefined)
    if (stats?.isSymbolicLink()) {
      throw new StoreError('permanent', cannot(`use ${path}`, 'it is a symbolic link; remove it').message)
    }
  }
}
