import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cannot, sentence } from '../../words/cannot.ts'
import { abandonable } from '../../words/deadline.ts'
import { HEADER } from '../elf/headers.ts'
import { openKernelFile } from '../host/kernel-file.ts'
import type { OwnedFile } from '../host/owned-file.ts'
import { type MemoryMap, parseIomem } from './iomem.ts'
import { headBytes, type KcoreMap, notesPlace, parseKcore, vmcoreinfoNumber } from './kcore-map.ts'
import { openKcore } from './kcore-reader.ts'
import { openPageFlags } from './page-flags.ts'
import { mappingOf } from './vmcore.ts'

/** A machine whose memory can be read, and how. */
export interface Machine {
  readonly map: KcoreMap
  readonly memory: MemoryMap
  readonly pageSize: number
  readonly processors: number
}

/** The kernel has no memory to show, or shows it to nobody: not for us to mend. */
export class Withheld extends Error {
  readonly status: 'absent' | 'skipped'

  constructor(status: 'absent' | 'skipped', reason: string, cause?: unknown) {
    super(reason, { cause })
    this.status = status
  }
}

/** Notes hold a note for a process and VMCOREINFO (4 KiB): fs/proc/kcore.c. */
const MOST_NOTES = 1024 * 1024

/**
 * Finds out whether and how this machine's memory can be read. Reads headers and one page. Throws a sentence that says what is
 * in the way: a capability, or, as Withheld, the kernel's options or its lockdown mode.
 */
export async function openMachine(root: string, signal: AbortSignal): Promise<Machine> {
  const text = async (path: string) => await abandonable(readFile(join(root, path), 'latin1'), signal)
  const lockdown = await text('sys/kernel/security/lockdown').catch(() => '')
  if (lockdown.includes('[confidentiality]'))
    throw new Withheld('skipped', 'the kernel is locked down to confidentiality: it shows its memory to nobody')
  const map = await readMap(root, signal)
  await openPageFlags(root, signal).then(
    (flags) => flags[Symbol.dispose](),
    (error: unknown) => {
      throw absentOr(error, '/proc/kpageflags', 'CONFIG_PROC_PAGE_MONITOR', 'CAP_SYS_ADMIN')
    },
  )
  const pageSize = vmcoreinfoNumber(map.vmcoreinfo, 'PAGESIZE')
  if (pageSize === undefined) throw new Error('VMCOREINFO does not say the size of a page')
  const memory = parseIomem(await text('proc/iomem'), pageSize)
  if (memory.ram.length === 0)
    throw new Error('/proc/iomem shows no addresses of RAM: the collector needs CAP_SYS_ADMIN for that')
  await checkMapping(root, map, await text('sys/kernel/vmcoreinfo'), signal)
  return { map, memory, pageSize, processors: countProcessors(await text('sys/devices/system/cpu/online')) }
}

async function readMap(root: string, signal: AbortSignal): Promise<KcoreMap> {
  const path = join(root, 'proc/kcore')
  using file = await openKernelFile(path, signal).catch((error: unknown) => {
    throw absentOr(error, '/proc/kcore', 'CONFIG_PROC_KCORE', 'CAP_SYS_RAWIO')
  })
  try {
    const head = await readAt(file, 0, headBytes(await readAt(file, 0, HEADER, signal)), signal)
    const { offset, size } = notesPlace(head)
    if (size > MOST_NOTES) throw new Error(`its notes have ${size} bytes`)
    return parseKcore(head, await readAt(file, offset, size, signal))
  } catch (error) {
    throw cannot('read the headers of /proc/kcore', error)
  }
}

async function readAt(file: OwnedFile, offset: number, bytes: number, signal: AbortSignal): Promise<Buffer> {
  const read = await file.bytesAt(offset, bytes, signal)
  if (read.length < bytes) throw new Error(`it ends after ${offset + read.length} bytes`)
  return read
}

/**
 * Reads VMCOREINFO from physical memory through the mapping that we would read everything by: where that gives something
 * else, all would be wrong. `place`: /sys/kernel/vmcoreinfo, its physical address and size in hex.
 */
async function checkMapping(root: string, map: KcoreMap, place: string, signal: AbortSignal): Promise<void> {
  const [address, bytes] = place
    .trim()
    .split(' ')
    .map((number) => Number.parseInt(number, 16))
  const mapping = address === undefined ? undefined : mappingOf(map, address)
  if (address === undefined || bytes === undefined || mapping === undefined)
    throw new Error(`/sys/kernel/vmcoreinfo says ${JSON.stringify(place.trim())}, which is nowhere in /proc/kcore`)
  using kcore = await openKcore(root, 1, signal)
  const note = Buffer.alloc(Math.min(bytes, MOST_NOTES))
  await kcore.read(mapping.offset + BigInt(address - mapping.start), note, signal)
  if (!note.includes(map.vmcoreinfo.subarray(0, 1024)))
    throw new Error('physical memory read through /proc/kcore is not what lies there: its VMCOREINFO differs')
}

function absentOr(error: unknown, path: string, option: string, capability: string): Error {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return new Withheld('absent', `this kernel has no ${path} (${option})`, error)
  if (code === 'EPERM' || code === 'EACCES')
    return new Error(`the kernel does not let us open ${path}: the collector needs ${capability}, and no lockdown`, {
      cause: error,
    })
  return new Error(sentence(error), { cause: error })
}

/** `0-3,8`: how many that are. */
export function countProcessors(online: string): number {
  return online
    .trim()
    .split(',')
    .map((range) => range.split('-').map(Number))
    .reduce((sum, [first = 0, last = first]) => sum + last - first + 1, 0)
}
