import { uptime } from 'node:os'
import { readBootBefore, readSession } from '../wall/read-answers.ts'
import type { RequestTo } from '../wall/requests.ts'
import { abandonable, within } from '../words/deadline.ts'
import { type Occasion, SOURCES_OF } from '../words/evidence.ts'
import { type Answer, end } from './answer.ts'
import type { Desk } from './desk.ts'
import { type BootBefore, bootBefore } from './host/boot-before.ts'
import { HandedCrashes } from './kept-stacks/handed-crashes.ts'
import { KeptStacks } from './kept-stacks/kept-stacks.ts'
import { newPatients } from './processes/patients.ts'
import { renewSettings } from './renew-settings.ts'
import type { Session } from './sessions.ts'
import { failedLook, inPods, tell } from './tell.ts'

/**
 * Opens a session for a capture, by the settings of now. All sources are asked side by side (one that hangs costs the others nothing),
 * and what they have within the time is told. A session whose listing did not arrive is none.
 */
export async function openSession(
  desk: Desk,
  { occasion, within: ms }: RequestTo<'open'>,
  answer: Answer,
  signal: AbortSignal,
): Promise<void> {
  await renewSettings(desk, signal)
  const { root, turns } = desk
  const { settings } = desk.loaded
  const before = occasion.boot === 'previous' ? await lookedBack(root, occasion, within(ms, signal)) : undefined
  signal.throwIfAborted()
  const patients = newPatients(root, turns)
  const stacks = { kept: new KeptStacks(root), crashes: new HandedCrashes() }
  const context = { settings, root, occasion, before, patients, ...stacks }
  const asked = desk.sources.filter(({ name }) => SOURCES_OF[occasion.boot].has(name))
  const sources = asked.map((source) => ({ name: source.name, look: source.open(context) }))
  using held = desk.sessions.begin({ settings, sources, before, patients })
  const { session } = held
  try {
    await list(root, session, answer, ms, signal)
    const told = before && readBootBefore({ before: { id: before.id, journal: before.journal } })
    await answer.send(end({ session: readSession({ session: session.id }), ...(told && { before: told }) }))
  } catch (error) {
    desk.sessions.drop(session)
    throw error
  }
}

/** The boot before, as far as it is known in time. */
async function lookedBack(root: string, { before }: Occasion, signal: AbortSignal): Promise<BootBefore> {
  try {
    return await abandonable(bootBefore(root, before, signal), signal)
  } catch {
    // The time at which the machine itself says that it was started: what is not known by the journal is not of the boot before.
    const began = Date.now() - uptime() * 1000
    const boot = { id: undefined, began, earliest: began }
    return { id: before?.id, journal: 'none', from: undefined, files: new Set(), remembered: before, boot }
  }
}

async function list(root: string, session: Session, answer: Answer, ms: number, signal: AbortSignal): Promise<void> {
  const limit = within(ms, signal)
  const looks = session.sources.map(async ({ name, look }) => {
    try {
      const inventory = look.inventory(ms, limit).then((seen) => inPods(root, seen, limit))
      return { name, seen: await abandonable(inventory, limit) }
    } catch (error) {
      return { name, seen: failedLook(name, `ask what ${name} has`, error, limit.aborted) }
    }
  })
  for (const look of looks) {
    const { name, seen } = await look
    await tell(session, name, seen, answer)
  }
}
