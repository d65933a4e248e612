import { link, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Makes a directory and its parents, so that they outlive a power cut. */
export async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true })
  if (first === undefined) return
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made))
}

/**
 * Gives the file at `temporary` the name `path` too: at once with all of its content, and never over another file
 * (link(2) fails with EEXIST, unlike rename). The name outlives a power cut.
 */
export async function publish(temporary: string, path: string): Promise<void> {
  await link(temporary, path)
  await syncDirectory(dirname(path))
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r')
  await directory.sync()
}
