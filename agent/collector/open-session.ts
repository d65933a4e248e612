import { readSession } from '../wall/read-answers.ts'
import type { RequestTo } from '../wall/requests.ts'
import { abandonable, within } from '../words/deadline.ts'
import { type Answer, end } from './answer.ts'
import type { Desk } from './desk.ts'
import { newPatients } from './processes/patients.ts'
import { renewSettings } from './renew-settings.ts'
import type { Session } from './sessions.ts'
import { failedLook, tell } from './tell.ts'

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
  const context = { settings, root, occasion, patients: newPatients(root, turns) }
  const sources = desk.sources.map((source) => ({ name: source.name, look: source.open(context) }))
  using held = desk.sessions.begin({ settings, sources })
  const { session } = held
  try {
    await list(session, answer, ms, signal)
    await answer.send(end({ session: readSession({ session: session.id }) }))
  } catch (error) {
    desk.sessions.drop(session)
    throw error
  }
}

async function list(session: Session, answer: Answer, ms: number, signal: AbortSignal): Promise<void> {
  const limit = within(ms, signal)
  const looks = session.sources.map(async ({ name, look }) => {
    try {
      return { name, seen: await abandonable(look.inventory(ms, limit), limit) }
    } catch (error) {
      return { name, seen: failedLook(name, `ask what ${name} has`, error, limit.aborted) }
    }
  })
  for (const look of looks) {
    const { name, seen } = await look
    await tell(session, name, seen, answer)
  }
}
