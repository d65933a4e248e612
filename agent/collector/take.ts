import type { Taken } from '../wall/answers.ts'
import { readTaken } from '../wall/read-answers.ts'
import { Refusal } from '../wall/refusal.ts'
import type { RequestTo } from '../wall/requests.ts'
import { sentence } from '../words/cannot.ts'
import { type Answer, end } from './answer.ts'
import { clearance } from './clearance.ts'
import { collect } from './collect.ts'
import type { Desk } from './desk.ts'

/** Gives an item of a session, if its class may leave the host. */
export async function take(
  desk: Desk,
  { session: of, id, limit }: RequestTo<'take'>,
  answer: Answer,
  signal: AbortSignal,
): Promise<void> {
  using held = desk.sessions.use(of)
  const { items, settings } = held.session
  const found = items.get(id)
  if (found === undefined) throw new Refusal('collector', `cannot take "${id}": this session was not told of it`)
  const cleared = clearance(found.class, settings.seal)
  if (cleared.kind === 'closed') throw new Refusal('seal', cleared.reason)
  const collecting = collect(found, limit, cleared, answer.stop, signal)
  try {
    let step = await collecting.next()
    for (; step.done !== true; step = await collecting.next()) await answer.data(step.value)
    await answer.send(ended(step.value))
  } finally {
    collecting.return(undefined as never).catch(() => {})
  }
}

/** How it went. What is known of the item by then may be longer than a message; the item is there all the same. */
function ended(taken: Taken): Buffer {
  try {
    return end(readTaken(taken))
  } catch (error) {
    return end(readTaken({ ...taken, identity: { note: sentence(error) } }))
  }
}
