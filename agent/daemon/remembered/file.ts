import { constants } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { FILE_MODE, syncDirectory } from '../../store/directory/durable.ts'
import { cannot } from '../../words/cannot.ts'
import { REMEMBERED_BYTES, type Remembered, readRemembered, writeRemembered } from './remembered.ts'

const NAME = 'remembered.json'
/** Beside it, until it is whole. */
const NEXT = 'remembered.json.next'

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_WRONLY, O_CREAT, O_TRUNC } = constants

/** What was written into a state directory last; undefined where nothing was. Throws where it cannot be read, or is damaged. */
export async function load(directory: string): Promise<Remembered | undefined> {
  const path = join(directory, NAME)
  try {
    await using file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    const stats = await file.stat()
    if (!stats.isFile()) throw new Error('it is no regular file')
    if (stats.size > REMEMBERED_BYTES) throw new Error(`it is longer than ${REMEMBERED_BYTES} bytes`)
    const bytes = Buffer.alloc(REMEMBERED_BYTES)
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0)
    return readRemembered(bytes.toString('utf8', 0, bytesRead))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cannot(`read ${path}`, error)
  }
}

/** Writes it so that a cut of the power leaves what was there before, or this. Throws where that cannot be done. */
export async function save(directory: string, remembered: Remembered): Promise<void> {
  const [path, next] = [join(directory, NAME), join(directory, NEXT)]
  try {
    {
      await using file = await open(next, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK, FILE_MODE)
      await file.writeFile(writeRemembered(remembered))
      await file.sync()
    }
    await rename(next, path)
    await syncDirectory(directory)
  } catch (error) {
    throw cannot(`write ${path}`, error)
  }
}
