import { equal, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { GuestFile } from '../../../scripts/vm/disk.ts'
import type { Machine } from '../../../scripts/vm/machine.ts'
import { isSound, type Range } from './compare.ts'

const SCRIPT = '/usr/lib/vm/readers.mjs'
const PAGES = 10_000
/** The baked Node, as the baked command starts it. */
const NODE = 'LD_LIBRARY_PATH=/usr/lib/lastgasp/lib /usr/lib/lastgasp/bin/node'

/** What a machine needs for it. */
export function readers(): Record<string, GuestFile> {
  return { [SCRIPT]: { content: readFileSync(join(import.meta.dirname, 'readers.mjs')) } }
}

/** Two readers of /proc/kcore, with many reads in flight at a time, find the same in random pages. Ends the load. */
export async function checkReaders(machine: Machine, memory: readonly Range[], signal: AbortSignal): Promise<string> {
  await machine.ok('systemctl stop churn.service', signal)
  const ranges = memory.map(({ first, end }) => `${first}-${end}`).join(' ')
  const printed = JSON.parse(await machine.ok(`${NODE} ${SCRIPT} ${PAGES} ${ranges}`, signal))
  const { pages, still, apart } = printed as { pages: number; still: number; apart: number[] }
  equal(pages, PAGES)
  ok(still > pages / 2, `${still} of ${pages} random pages stayed as they were`)
  ok(isSound(apart, still), `two readers of ${still} still pages differ in these, by so many words: ${apart.join(' ')}`)
  return `two readers agree on ${still} random pages, but for ${apart.length} that changed and changed back`
}
