import { coredumpUnits, MOST_UNITS } from '../../host/journal/coredump-words.ts'
import { JournalObjects } from '../../host/journal/objects.ts'
import type { OwnedFile } from '../../host/owned-file.ts'

/**
 * What systemd-coredump logs of the memory of what crashed (systemd-coredump(8), coredump.conf(5)): its environment and, with
 * Storage=journal, the core itself.
 */
const MEMORY_FIELDS = ['COREDUMP_ENVIRON', 'COREDUMP']

/** Users of the system: SYSTEM_UID_MAX of Debian's, Fedora's and Arch's systemd. */
const SYSTEM_UIDS = 1000
/** Users of one file: a container has 65,536 of them, which then log for themselves. */
const MOST_USERS = 4096
/** Entries that are asked for their sender: 10 µs each. */
const MOST_ASKED = 20_000

/**
 * Whether an open journal file holds, or may hold, memory of a process that crashed. That somebody logged a field of that name
 * is not enough, or any user could keep the journal on the host; that systemd-coredump did, is. An entry that names no unit
 * came from a process that was gone when journald looked: that may be systemd-coredump, unless its user tells otherwise.
 * `coredumpUid` is the user `systemd-coredump`, where there is one. True as well for a file that cannot be looked into: a damaged
 * one, one from before the keyed hashes of systemd 246, one with more units, users or such entries than are looked at. Never throws.
 */
export async function holdsMemory(
  handle: OwnedFile,
  coredumpUid: number | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const objects = await JournalObjects.of(handle, signal)
    for (const name of MEMORY_FIELDS) if (await isCoredumps(objects, name, coredumpUid)) return true
    return false
  } catch {
    return true
  }
}

async function isCoredumps(objects: JournalObjects, name: string, coredumpUid: number | undefined): Promise<boolean> {
  if (!(await objects.hasField(name))) return false
  for await (const _ of coredumpUnits(objects)) return true
  for await (const newest of objects.values(name, Number.POSITIVE_INFINITY)) {
    // Being written right now: whose it is will be written last.
    if (newest.entries === 0) return true
    break
  }
  const strangers = new Set<number>()
  let suspects = 0
  for await (const { at, text } of objects.values('_UID', MOST_USERS)) {
    const uid = Number(text?.slice('_UID='.length))
    if (uid === coredumpUid) return true
    if (coredumpUid !== undefined && uid < SYSTEM_UIDS) strangers.add(at)
    else suspects++
  }
  if (suspects === 0) return false
  for await (const { at } of objects.values('_SYSTEMD_UNIT', MOST_UNITS)) strangers.add(at)
  let asked = 0
  for await (const value of objects.values(name, MOST_ASKED)) {
    for await (const entries of objects.entriesOf(value)) {
      for (const entry of entries) {
        if (++asked > MOST_ASKED) return true
        if (!(await objects.itemsOf(entry)).some((item) => strangers.has(item))) return true
      }
    }
  }
  return false
}
