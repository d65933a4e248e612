import { closeSync, constants, openSync } from 'node:fs'
import { uptime as ownUptime } from 'node:os'
import { join } from 'node:path'
import { kernelDeaths } from '../../findings/kernel-words.ts'
import type { HostReads } from '../host/host-reads.ts'
import { kernelRecords, readKernelRecords } from '../host/kernel-log.ts'
import { nothingOf, type Testimony } from './testimony.ts'

const PLACE = 'the kernel’s log'

/** The deaths in the kernel's own messages; what programs have written into its log is not among them. */
export async function kernelTestimony(reads: HostReads): Promise<Testimony> {
  try {
    closeSync(openSync(join(reads.root, 'dev/kmsg'), constants.O_RDONLY | constants.O_NONBLOCK))
  } catch (error) {
    return nothingOf(PLACE, error)
  }
  const records = await readKernelRecords(reads)
  if (records === undefined) return nothingOf(PLACE, reads.signal.reason)
  const booted = Date.now() - (await uptime(reads))
  const own = kernelRecords(records).filter(({ isKernels }) => isKernels)
  return { deaths: kernelDeaths(own.map(({ time, text }) => ({ at: booted + time / 1000, text }))), unseen: [] }
}

/** ms since boot: proc_uptime(5), or our own kernel's clock where that does not answer: without it all would be yet to come. */
async function uptime(reads: HostReads): Promise<number> {
  const text = await reads.text('proc/uptime')
  return (text === undefined ? ownUptime() : Number.parseFloat(text)) * 1000
}
