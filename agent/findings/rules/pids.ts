import { membershipOf } from '../../words/membership.ts'
import { isPlain } from '../../words/plain.ts'
import type { Evidence, Group } from '../evidence.ts'
import { PLACES, type Rule, type Sign } from '../rule.ts'
import { whoTold } from '../who-told.ts'

/** Share of a limit from which on there is no room for what a program needs at once. */
const NEARLY = 0.95
/** Tasks: a lower limit is a precaution, and what has all of it may well be complete. */
const FEW = 16
/** ms: who was refused longer ago has lived on since. */
const LATELY_MS = 10 * 60_000
/** kernel/cgroup/pids.c, pids_cancel_fork(), pids_event(): once for each group. */
const REFUSED = /^cgroup: fork rejected by pids controller in (\/.*)$/

export const pids: Rule = {
  name: 'pids',
  kind: 'exhausted',
  reason:
    'No process or thread can be made any more: on the whole host (kernel.pid_max, kernel.threads-max), or in a unit (TasksMax=). A limit that was hit long ago and is not near any more is left aside.',
  look: (evidence) => [...ofHost(evidence), ...ofGroups(evidence)],
}

function ofHost({ tasks }: Evidence): readonly Sign[] {
  if (tasks === undefined || tasks.used < tasks.most * NEARLY) return []
  const sentence = `The host has no more process ids: ${tasks.used} of ${tasks.most} are in use.`
  return [{ certainty: 'certain', sentence, evidence: PLACES.load }]
}

function ofGroups({ groups, kernel, began }: Evidence): readonly Sign[] {
  const full = groups.filter(({ used, most, refused }) => used >= most * NEARLY && (refused > 0 || most >= FEW))
  const known = new Set(full.map(({ who: { unit } }) => unit))
  const refused = kernel.flatMap(({ text, at }): readonly Sign[] => {
    const path = REFUSED.exec(text)?.[1]
    const { unit } = path !== undefined && isPlain(path) ? membershipOf(path) : {}
    if (unit === undefined || known.has(unit) || at < began - LATELY_MS || at > began) return []
    const subject = { unit }
    return [
      {
        certainty: 'certain',
        subject,
        at,
        sentence: `${unit} was refused more tasks than its limit allows.`,
        evidence: PLACES.kernel,
      },
    ]
  })
  return [...full.map(signOf), ...refused]
}

function signOf({ who, used, most, refused }: Group): Sign {
  const how = refused > 0 ? `, and ${refused} more ${refused === 1 ? 'was' : 'were'} refused` : ''
  const sentence = `${whoTold(who)} has all the tasks that it may have: ${used} of ${most}${how}.`
  return { certainty: refused > 0 ? 'certain' : 'likely', subject: who, sentence, evidence: PLACES.groups }
}
