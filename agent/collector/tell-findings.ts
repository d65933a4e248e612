import { readFinding, unreadableFinding } from '../wall/read-finding.ts'
import type { RequestTo } from '../wall/requests.ts'
import { message } from '../wall/wire.ts'
import { within } from '../words/deadline.ts'
import { type Answer, end } from './answer.ts'
import type { Desk } from './desk.ts'
import { lookAround } from './witnesses/look-around.ts'

/** Tells what went wrong on the host, as far as is known by now, what matters most first. */
export async function tellFindings(
  desk: Desk,
  { session: id, within: ms }: RequestTo<'findings'>,
  answer: Answer,
  signal: AbortSignal,
): Promise<void> {
  using held = desk.sessions.use(id)
  const { items, gaps, began } = held.session
  const cores = [...items.values()].filter(({ source }) => source === 'cores')
  for (const finding of await lookAround(desk.root, { cores, gaps, began }, within(ms, signal)))
    await answer.send(told(finding))
  await answer.send(end())
}

function told(finding: unknown): Buffer {
  try {
    return message('item', { finding: readFinding(finding) })
  } catch (error) {
    return message('item', { finding: unreadableFinding(error) })
  }
}
