import { readText } from '../read-text.ts'
import type { JournalObjects, Value } from './objects.ts'

/**
 * Which entries are systemd-coredump's own. Anybody may log the fields that it logs; what begins with `_` journald sets itself,
 * from the kernel's word on the sender (systemd.journal-fields(7), "Trusted Journal Fields"). Of these its `_UID` says little:
 * before it logs, systemd-coredump becomes the user whose process crashed, or for those of the system the user of its own
 * name (change_uid_gid in systemd's coredump-submit.c). `_COMM` and `_EXE` anybody can have. Its unit nobody can: only root names
 * a unit, and no process moves into the cgroup of another one's.
 */
const UNIT = '_SYSTEMD_UNIT=systemd-coredump'
/** A unit for each connection makes thousands of them in a file: of one with more it is not known whose they are. */
export const MOST_UNITS = 16_384

/** The units of systemd-coredump (one for each crash) that have logged into a file, the newest first. Throws beyond MOST_UNITS. */
export async function* coredumpUnits(objects: JournalObjects): AsyncGenerator<Value, void, void> {
  for await (const unit of objects.values('_SYSTEMD_UNIT', MOST_UNITS)) if (unit.text?.startsWith(UNIT)) yield unit
}

/** The user whom systemd-coredump becomes for crashes of the system's users; undefined where the host has no such user. */
export async function coredumpUser(root: string, signal: AbortSignal): Promise<number | undefined> {
  const users = await readText(root, 'etc/passwd', signal)
  const uid = /^systemd-coredump:[^:\n]*:(\d+):/m.exec(users ?? '')?.[1]
  return uid === undefined ? undefined : Number(uid)
}
