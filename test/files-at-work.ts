import files from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

let reading = 0

/** Whether something is under way on a disk by `node:fs/promises`: some of that is made of callbacks. */
export function areFilesAtWork(): boolean {
  return reading > 0 || process.getActiveResourcesInfo().some((what) => /^FSReq|^CloseReq/.test(what))
}

/** From now on files that are read whole are at work, too: Node (26) does not count them. */
export function countWholeFiles(): void {
  const { readFile } = files
  files.readFile = (async (...args: Parameters<typeof readFile>) => {
    reading += 1
    try {
      return await readFile(...args)
    } finally {
      reading -= 1
    }
  }) as typeof readFile
  syncBuiltinESMExports()
}

/** From now on nothing in this process waits until it has reached the disk: for thousands of runs in which no power is cut. */
export async function syncNothing(): Promise<void> {
  await using file = await files.open('/dev/null')
  const nothing = async () => {}
  Object.assign(Object.getPrototypeOf(file), { sync: nothing, datasync: nothing })
}
