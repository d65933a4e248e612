import type { Place } from '../../agent/spool/place.ts'
import { directoryArchive } from '../../agent/store/directory/archive.ts'
import { never } from '../capture/scene.ts'

/** All that lies in a spool, by key. */
export async function contentsOf({ objects }: Place): Promise<Map<string, Buffer>> {
  const contents = new Map<string, Buffer>()
  const archive = directoryArchive(objects)
  try {
    for await (const { key } of archive.list('', never))
      contents.set(key, Buffer.concat(await Array.fromAsync(await archive.read(key, 0, never))))
  } catch (error) {
    if (!/there is no such directory/.test((error as Error).message)) throw error
  }
  return contents
}
