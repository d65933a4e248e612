import { randomBytes } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { checkKey, UPLOADS } from '../key.ts'
import { Pace } from '../pace.ts'
import type { Store, Stored } from '../store.ts'
import { FILE_MODE, makeDirectory, publish } from './durable.ts'
import { onDisk } from './failure.ts'
import { refuseLinks } from './links.ts'
import { beginUpload } from './upload.ts'

/** A store in a directory, laid out as DIRECTORY.md says. The directory is made when it is not there. */
export function directoryStore(root: string): Store {
  const { href: url } = pathToFileURL(root)
  const pace = new Pace()
  return {
    url,
    pace,
    warm: (signal) => onDisk(`use ${url}`, signal, () => makeDirectory(join(root, UPLOADS))),
    put: (key, body, signal) => pace.during(body.length, () => put(root, key, body, signal)),
    begin: (key, signal) => beginUpload(root, key, pace, signal),
    [Symbol.asyncDispose]: async () => {},
  }
}

async function put(root: string, key: string, body: Buffer, signal: AbortSignal): Promise<Stored> {
  checkKey(key)
  const path = join(root, key)
  const temporary = join(root, UPLOADS, `${randomBytes(8).toString('hex')}.put`)
  await onDisk(`store ${path}`, signal, async () => {
    await makeDirectory(dirname(temporary))
    await refuseLinks(root, key)
    await makeDirectory(dirname(path))
    try {
      await using file = await open(temporary, 'wx', FILE_MODE)
      await file.writeFile(body)
      await file.sync()
      signal.throwIfAborted()
      await publish(temporary, path)
    } finally {
      await rm(temporary, { force: true })
    }
  })
  return { key, bytes: body.length }
}
