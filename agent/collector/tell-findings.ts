import type { Finding } from '../bundle/schema.ts'
import type { LeftLog } from '../findings/panic-words.ts'
import { readFinding, unreadableFinding } from '../wall/read-finding.ts'
import type { RequestTo } from '../wall/requests.ts'
import { message } from '../wall/wire.ts'
import { abandonable, within } from '../words/deadline.ts'
import { type Answer, end } from './answer.ts'
import type { Desk } from './desk.ts'
import type { Session } from './sessions.ts'
import type { Found } from './sources/source.ts'
import { vitalSigns } from './vital-signs.ts'
import { lookAround, lookBack, type Vitals } from './witnesses/look-around.ts'

/** Tells what went wrong on the host, as far as is known by now, what matters most first. */
export async function tellFindings(
  desk: Desk,
  { session: id, within: ms }: RequestTo<'findings'>,
  answer: Answer,
  signal: AbortSignal,
): Promise<void> {
  using held = desk.sessions.use(id)
  for (const finding of await findingsOf(desk, held.session, ms, within(ms, signal))) await answer.send(told(finding))
  await answer.send(end())
}

async function findingsOf(desk: Desk, session: Session, ms: number, signal: AbortSignal): Promise<readonly Finding[]> {
  const { root } = desk
  const { items, gaps, began, before } = session
  const cores = [...items.values()].filter(({ source }) => source === 'cores')
  const listed = { cores, gaps, began }
  if (before === undefined) return await lookAround(root, listed, vitalsOf(desk, session, ms, signal), signal)
  return await lookBack(root, listed, { before, ...(await kernelLogs(session, signal)) }, signal)
}

/**
 * What the host suffers from, as it was when this was asked first. Once applications were let go, those that are being stopped look as if they hung,
 * and units fail because they are stopped: then what was seen before counts, for whichever session that was.
 */
function vitalsOf(desk: Desk, session: Session, ms: number, signal: AbortSignal): Promise<Vitals> {
  const { root, hold, builders } = desk
  const isReleased = hold?.held === false && hold.problem === undefined
  if (isReleased) return session.vitals ?? desk.vitals ?? Promise.resolve(TOO_LATE)
  session.vitals ??= vitalSigns(root, session, builders.rules, ms, signal)
  desk.vitals = session.vitals
  return session.vitals
}

const TOO_LATE: Vitals = {
  ...{ evidence: {}, rules: [] },
  unseen: [{ place: 'the processes', why: 'were not looked at before they were let go' }],
}

/** Of a kernel's log as it was left, what is looked at: its end. pstore's records are 64 KiB, a ring of the kernel's 1 MiB at most. */
const LOG_BYTES = 2 * 1024 * 1024
/** Logs that are looked at. A panic leaves one or two, in up to 64 parts where firmware keeps them. */
const MOST_LOGS = 64

/** What kernels have left of their logs, among what was listed. */
async function kernelLogs({ items, gaps }: Session, signal: AbortSignal) {
  const found = [...items.values()].filter(isKernelLog)
  const logs: LeftLog[] = []
  let unread = gaps.some(({ source, status }) => source === 'pstore' && status === 'failed') || found.length > MOST_LOGS
  for (const item of found.slice(0, MOST_LOGS)) {
    try {
      const text = await abandonable(textOf(item, signal), signal)
      logs.push({ artifact: item.name, at: item.identity.at, text })
    } catch {
      unread = true
    }
  }
  return { logs, unread: unread ? 'could not all be read' : undefined }
}

/** Not compressed: what is has a kernel that was not asked to, and is told of by its receipt. */
const isKernelLog = ({ source, name, encoding }: Found): boolean =>
  source === 'pstore' || (source === 'cores' && encoding === 'frames' && KDUMP_LOG.test(name))

/** What kdump calls it, below the name of its directory: crashed-cores/kernel-dumps.ts. */
const KDUMP_LOG = /^cores\/[^/]+\.(?:dmesg\.\d+|vmcore-dmesg(?:-incomplete)?\.txt)\.zst$/

async function textOf({ open, bytes }: Found, signal: AbortSignal): Promise<string> {
  const pieces: Buffer[] = []
  await using reading = await open(Math.min(bytes, LOG_BYTES), signal)
  for await (const { bytes: piece, release } of reading.chunks) {
    pieces.push(Buffer.from(piece))
    release()
  }
  return Buffer.concat(pieces).toString('latin1')
}

function told(finding: unknown): Buffer {
  try {
    return message('item', { finding: readFinding(finding) })
  } catch (error) {
    return message('item', { finding: unreadableFinding(error) })
  }
}
