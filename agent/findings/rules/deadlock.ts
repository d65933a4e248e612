import type { Hang } from '../evidence.ts'
import { PLACES, type Rule } from '../rule.ts'
import { whoTold } from '../who-told.ts'

/** Threads of one circle that are named. */
const NAMED = 8

export const deadlock: Rule = {
  name: 'deadlock',
  kind: 'hang',
  reason:
    'A thread that waits for a mutex for ever, whose owner waits for another one, and so on round to the first: the mutex itself says who owns it (glibc, musl, PI futexes). Where no owner is known, a process all of whose threads wait for ever for each other is likely one: an idle program has a thread that waits for the world.',
  look: ({ hangs }) =>
    hangs.flatMap((hang) => {
      if (hang.kind !== 'deadlock') return []
      const { waits, who } = hang
      const certainty = waits.length > 0 ? 'certain' : 'likely'
      return [{ certainty, subject: who, sentence: sentenceOf(hang), evidence: PLACES.processes }]
    }),
}

function sentenceOf({ who, waits }: Hang & { readonly kind: 'deadlock' }): string {
  if (waits.length === 0) return `${whoTold(who)} hangs: all of its threads wait for each other.`
  if (waits.length === 1)
    return `${whoTold(who)} is deadlocked: thread ${waits[0]?.tid} waits for a lock that it holds itself.`
  const named = waits
    .slice(0, NAMED)
    .map(({ tid, holder }, index) => `${index === 0 ? `thread ${tid}` : 'which'} waits for ${holder}`)
  const more = waits.length > NAMED ? ', and so on round' : ''
  return `${whoTold(who)} is deadlocked: ${named.join(', ')}${more}.`
}
