import { readGap, readListedItem } from '../wall/read-answers.ts'
import { cannot, sentence } from '../words/cannot.ts'
import type { ListedItem, SourceName } from '../words/evidence.ts'
import { CLASS_OF } from '../words/evidence.ts'
import { type Answer, told } from './answer.ts'
import { clearance } from './clearance.ts'
import { named } from './host/pods.ts'
import type { Session } from './sessions.ts'
import type { Found, Inventory } from './sources/source.ts'

/** Puts what a source has found down in the session, and tells the daemon of it. */
export async function tell(
  session: Session,
  name: SourceName,
  { found, gaps }: Inventory,
  answer: Answer,
): Promise<void> {
  const listed = found.map((item) => ({ id: `${name}:${item.id}`, item }))
  for (const { id, item } of listed) session.items.set(id, item)
  session.gaps.push(...gaps)
  for (const { id, item } of listed) await answer.send(told('item', readListedItem, listedItem(session, id, item)))
  for (const gap of gaps) await answer.send(told('gap', readGap, gap))
}

/** The same, of which what is of a pod says of which. */
export async function inPods(root: string, { found, gaps }: Inventory, signal: AbortSignal): Promise<Inventory> {
  const known = [...found, ...gaps].map(({ identity = {} }) => identity)
  if (!known.some(({ container }) => container !== undefined)) return { found, gaps }
  const identities = await named(root, known, signal)
  const at = (index: number) => identities[index] ?? {}
  return {
    found: found.map((item, index) => ({ ...item, identity: at(index) })),
    gaps: gaps.map((gap, index) => (gap.identity ? { ...gap, identity: at(found.length + index) } : gap)),
  }
}

/** What is told in place of a look that failed. One that was merely too late may be asked for again. */
export function failedLook(source: SourceName, what: string, error: unknown, isLate: boolean): Inventory {
  const gap = { source, class: CLASS_OF[source], status: 'failed', reason: sentence(cannot(what, error)) } as const
  return { found: [], gaps: [isLate ? { ...gap, because: 'deadline' } : gap] }
}

function listedItem({ settings }: Session, id: string, { open: _, ...item }: Found): ListedItem {
  const cleared = clearance(item.class, settings.seal)
  const closed = cleared.kind === 'closed' ? { closed: cleared.reason } : {}
  return { ...item, id, sealed: cleared.kind === 'sealed', ...closed }
}
