import { ARTIFACT_NAME_BYTES } from '../bundle/keys.ts'
import type { Shutdown } from '../bundle/schema.ts'
import { sentence } from '../words/cannot.ts'
import { countOf } from '../words/count-of.ts'
import type { Because, EvidenceClass, InventoryGap, ListedItem } from '../words/evidence.ts'
import { BECAUSE, BOOT_ID, CLASS_OF, MARK } from '../words/evidence.ts'
import { tellable } from '../words/printable.ts'
import type { Attended, BootTold, Failure, Health, Stopping, Taken, Why } from './answers.ts'
import { isSize, type Json, must, record, whole } from './read-fields.ts'
import { readIdentity } from './read-identity.ts'
import { ID_LENGTH, isSession, LONGEST_MS } from './requests.ts'

/**
 * What a collector answers, held against what PROTOCOL.md promises: names become keys, numbers become plans, and all of it becomes
 * receipts that must be read again. The collector looks before it sends, the daemon before it believes. What is of another type
 * throws where nothing can be made of it; text is cut and made plain.
 */

/**
 * A key below a bundle's prefix: no empty, `.` or `..` segment, nothing that a store, a shell or a URL takes apart. A byte of a host's path may be
 * percent-encoded, as long as nothing comes of it that could not stand there as it is.
 */
const NAME =
  /^(?!.*(^|\/)(?:\.|%2E){1,2}(\/|$))(?:[\w.@:+=,~-]|%(?!00|2F)[\dA-F]{2})+(\/(?:[\w.@:+=,~-]|%(?!00|2F)[\dA-F]{2})+)*$/
/** Characters of a version. */
const VERSION = 512
/** Characters of a reason, which is a line of `show`. */
const REASON = 4000
/** Characters of all problems of settings together: of 3 bytes each they fit into one message. */
const PROBLEMS_LENGTH = 16_000

const SHUTDOWNS: Readonly<Record<Shutdown['kind'], true>> = {
  poweroff: true,
  reboot: true,
  halt: true,
  kexec: true,
  'soft-reboot': true,
  unknown: true,
}

export function readListedItem(value: unknown): ListedItem {
  const item = record(value, 'item')
  const {
    id,
    name,
    source,
    class: of,
    phase,
    encoding,
    bytes,
    ratio,
    value: worth,
    holes,
    patience,
    when,
    mark,
    sealed,
    closed,
  } = item
  must(typeof id === 'string' && id.length <= ID_LENGTH, 'id')
  must(typeof name === 'string' && name.length <= ARTIFACT_NAME_BYTES && NAME.test(name), 'name')
  must(isSource(source), 'source')
  must(isClass(of), 'class')
  must(phase === 'facts' || phase === 'live' || phase === 'stored', 'phase')
  must(encoding === 'frames' || encoding === 'as-is', 'encoding')
  must(isSize(bytes) && isSize(ratio) && isSize(worth), 'bytes, ratio or value')
  must(holes === undefined || isSize(holes), 'holes')
  must(patience === undefined || isSize(patience), 'patience')
  must(when === undefined || when === 'trouble', 'when')
  must(mark === undefined || (typeof mark === 'string' && MARK.test(mark)), 'mark')
  must(typeof sealed === 'boolean', 'sealed')
  must(closed === undefined || typeof closed === 'string', 'closed')
  return {
    ...{ id, name, source, class: of, phase, encoding, bytes: whole(bytes), ratio, value: worth, sealed },
    ...(holes !== undefined && { holes: whole(holes) }),
    ...(patience !== undefined && { patience }),
    ...(when !== undefined && { when }),
    ...(mark !== undefined && { mark }),
    ...(closed !== undefined && { closed: tellable(closed, REASON) }),
    identity: readIdentity(record(item.identity, 'identity')),
  }
}

export function readGap(value: unknown): InventoryGap {
  const { source, class: of, status, reason, because, identity } = record(value, 'gap')
  must(isSource(source) || source === 'collector', 'source')
  must(isClass(of), 'class')
  must(status === 'absent' || status === 'failed' || status === 'skipped', 'status')
  must(typeof reason === 'string', 'reason')
  must(because === undefined || isBecause(because), 'because')
  return {
    ...{ source, class: of, status, reason: tellable(reason, REASON) },
    ...(because !== undefined && { because }),
    ...(identity !== undefined && { identity: readIdentity(record(identity, 'identity')) }),
  }
}

/** What stands for something that the collector has listed and that cannot be read: it costs itself, and is told. */
export function unreadable(value: unknown, error: unknown): InventoryGap {
  const { source, class: of, name } = (value ?? {}) as Json
  const told = typeof name === 'string' ? `${tellable(name, ARTIFACT_NAME_BYTES)}: ` : ''
  return {
    source: isSource(source) ? source : 'collector',
    class: isClass(of) ? of : 'open',
    status: 'failed',
    reason: `${told}${sentence(error)}`,
    because: 'collector',
  }
}

/** What one who attends is told: that it waits for another, whether the lock is held by now (it cannot be, say, where there is none), and what becomes of the host. */
export function readAttended({ waiting, held, shutdown, within }: Json): Attended {
  if (waiting === true) return { waiting }
  if (shutdown === undefined) {
    must(typeof held === 'boolean', 'held')
    return { held }
  }
  if (shutdown === 'cancelled') return { shutdown }
  must(shutdown === 'announced', 'shutdown')
  must(isSize(within) && within <= LONGEST_MS, 'within')
  return { shutdown, within }
}

/** The name of a session that was opened. */
export function readSession({ session }: Json): string {
  must(isSession(session), 'session')
  return session
}

/** Of a session about the boot before: which one that is, and how its journal ends. */
export function readBootBefore({ before }: Json): BootTold | undefined {
  if (before === undefined) return undefined
  const { id, journal } = record(before, 'before')
  must(id === undefined || (typeof id === 'string' && BOOT_ID.test(id)), 'before')
  must(journal === 'closed' || journal === 'cut' || journal === 'none', 'before')
  return { ...(id !== undefined && { id }), journal }
}

export function readTaken(value: unknown): Taken {
  const { bytesIn, ms, frames, truncated, identity } = record(value, 'end')
  must(isSize(bytesIn), 'bytesIn')
  must(isSize(ms), 'ms')
  must(frames === undefined || isSize(frames), 'frames')
  must(truncated === undefined || typeof truncated === 'string', 'truncated')
  return {
    ...{ bytesIn: whole(bytesIn), ms },
    ...(frames !== undefined && { frames: whole(frames) }),
    ...(truncated !== undefined && { truncated: tellable(truncated, REASON) }),
    ...(identity !== undefined && { identity: readIdentity(record(identity, 'identity')) }),
  }
}

/** Never throws: which shutdown it is may be unknown, and what asked for it as well. */
export function readWhy({ kind, by }: Json): Why {
  const isKnown = typeof kind === 'string' && Object.hasOwn(SHUTDOWNS, kind)
  return {
    kind: isKnown ? (kind as Shutdown['kind']) : 'unknown',
    ...(typeof by === 'string' && { by: tellable(by, REASON) }),
  }
}

/** Who else is being stopped. */
export function readStopping({ running, held }: Json): Stopping {
  must(isSize(running), 'running')
  must(typeof held === 'boolean', 'held')
  return { running: whole(running), held }
}

export function readHealth({ version, problems, closed, unarmed }: Json): Health {
  must(typeof version === 'string', 'version')
  must(Array.isArray(problems), 'problems')
  must(closed === undefined || typeof closed === 'string', 'closed')
  must(unarmed === undefined || typeof unarmed === 'string', 'unarmed')
  return {
    version: tellable(version, VERSION),
    problems: fewProblems(problems),
    ...(closed !== undefined && { closed: tellable(closed, REASON) }),
    ...(unarmed !== undefined && { unarmed: tellable(unarmed, REASON) }),
  }
}

/** As many as fit into one answer; of the others it is told how many they are. */
function fewProblems(problems: readonly unknown[]): readonly string[] {
  const told: string[] = []
  let length = 0
  for (const problem of problems) {
    const text = typeof problem === 'string' ? tellable(problem, REASON) : 'something that is no text'
    length += text.length
    if (length > PROBLEMS_LENGTH) return [...told, `and ${countOf(problems.length - told.length, 'other problem')}`]
    told.push(text)
  }
  return told
}

/** Never throws: it is told why something went wrong. */
export function readFailure({ reason, because }: Json): Failure {
  return {
    reason: typeof reason === 'string' ? tellable(reason, REASON) : 'it did not say why',
    because: isBecause(because) ? because : 'collector',
  }
}

const isSource = (value: unknown): value is ListedItem['source'] =>
  typeof value === 'string' && Object.hasOwn(CLASS_OF, value)
const isClass = (value: unknown): value is EvidenceClass => value === 'open' || value === 'text' || value === 'memory'
const isBecause = (value: unknown): value is Because => BECAUSE.some((one) => one === value)
