import { uptime as ownUptime } from 'node:os'
import { type KernelMessage, kernelDeaths } from '../../findings/kernel-words.ts'
import type { HostReads } from '../host/host-reads.ts'
import { kernelRecords, readKernelRecords } from '../host/kernel-log.ts'
import { nothingOf, type Testimony } from './testimony.ts'

const PLACE = 'the kernel’s log'

export interface KernelTestimony extends Testimony {
  /** The oldest first. */
  readonly messages: readonly KernelMessage[]
}

/** The deaths in the kernel's own messages, of which it says where not all were read; what programs have written into its log is not among them. */
export async function kernelTestimony(reads: HostReads): Promise<KernelTestimony> {
  const read = await readKernelRecords(reads.root, reads.signal).catch((error: unknown) => nothingOf(PLACE, error))
  if ('unseen' in read) return { ...read, messages: [] }
  const booted = Date.now() - (await uptime(reads))
  const own = kernelRecords(read.records).filter(({ isKernels }) => isKernels)
  const messages = own.map(({ time, text }) => ({ at: booted + time / 1000, text }))
  return {
    messages,
    deaths: kernelDeaths(messages),
    unseen: reads.signal.aborted ? nothingOf(PLACE, reads.signal.reason).unseen : [],
  }
}

/** ms since boot: proc_uptime(5), or our own kernel's clock where that does not answer: without it all would be yet to come. */
async function uptime(reads: HostReads): Promise<number> {
  const text = await reads.text('proc/uptime')
  return (text === undefined ? ownUptime() : Number.parseFloat(text)) * 1000
}
