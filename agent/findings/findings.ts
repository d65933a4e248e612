import type { Finding } from '../bundle/schema.ts'
import type { Death, Panic, Seen, Unseen } from './death.ts'
import { oneForEach, type Told } from './one-death.ts'
import { ranked } from './rank.ts'
import { deathSentence, endSentence, NOTHING, panicSentence, unseenSentence } from './sentence.ts'

/** Deaths that are told one by one: a service that crashes in a loop has thousands. */
export const MOST_TOLD = 32

/** What the evidence says went wrong, what matters most first; never empty: that nothing did is a finding, and that it is not known. */
export function findingsOf(seen: Seen): readonly Finding[] {
  const told = oneForEach(seen.deaths)
  const panics = seen.panics ?? []
  const deaths = ranked([
    ...panics.map(panicFinding),
    ...told.map((death) => deathFinding(death, seen.began)),
    ...counted(seen, told),
  ])
  const ofThisBoot = deaths.some(({ boot }) => boot !== 'earlier')
  const unseen = [
    ...(panics.length > 0 || seen.end === undefined || seen.end === 'ordered' ? [] : [ended(endSentence(seen.end))]),
    ...seen.unseen.map((one) => unknown(one, ofThisBoot)),
  ]
  const healthy = ofThisBoot || unseen.length > 0 ? [] : [HEALTHY]
  return ranked([...few(deaths), ...unseen, ...healthy])
}

/** When the collector could not be asked. */
export function unasked(why: string): readonly Finding[] {
  const sentence = `Whether anything had crashed is not known: ${why}.`
  return [{ ...NOBODY, kind: 'unknown', certainty: 'sure', sentence }]
}

const NOBODY = { boot: 'this', subject: {}, evidence: [] } as const

const HEALTHY: Finding = { ...NOBODY, kind: 'healthy', certainty: 'sure', sentence: NOTHING }

function unknown(unseen: Unseen, somethingDied: boolean): Finding {
  return { ...NOBODY, kind: 'unknown', certainty: 'sure', sentence: unseenSentence(unseen, somethingDied) }
}

const ended = (sentence: string): Finding => ({ ...NOBODY, kind: 'unknown', certainty: 'likely', sentence })

/** The newest is of the boot that is looked at; those before it may be of any. */
function panicFinding({ cause, ...panic }: Panic, index: number): Finding {
  const boot = index === 0 ? 'this' : 'unknown'
  const sentence = panicSentence(panic.subject, cause)
  return { ...panic, kind: 'panic', certainty: 'sure', boot, sentence }
}

function deathFinding({ witnesses, tid, claimed, ...death }: Told, began: number): Finding {
  const { subject, boot, at } = death
  const isLate = boot === 'this' && at !== undefined && at > began
  const finding = {
    ...death,
    subject: subject.pid === undefined && tid !== undefined ? { ...subject, tid } : subject,
    certainty: certaintyOf(witnesses, claimed),
    ...(isLate && { late: true }),
  }
  return { ...finding, sentence: deathSentence(finding) }
}

function certaintyOf(witnesses: Told['witnesses'], claimed: boolean | undefined): Finding['certainty'] {
  if (claimed) return 'claimed'
  return witnesses.every((witness) => witness === 'core') ? 'likely' : 'sure'
}

/** Those killed for want of memory whom nobody has named: by what the cgroups have counted, and the kernel in all. */
function counted({ deaths, kills }: Seen, told: readonly Told[]): readonly Finding[] {
  const named = told.filter(({ kind, boot }) => kind === 'oom' && boot !== 'earlier')
  const groups = deaths.filter(({ witness }) => witness === 'cgroup').flatMap((group) => beyond(group, named))
  const known = [...named, ...groups].reduce((sum, { count = 1 }) => sum + count, 0)
  const others = (kills ?? 0) - known
  const rest: readonly Death[] =
    others <= 0 ? [] : [{ kind: 'oom', witness: 'cgroup', boot: 'this', subject: {}, count: others, evidence: VMSTAT }]
  return [...groups, ...rest].map(({ witness: _, ...death }) => ({
    ...death,
    certainty: 'sure',
    sentence: deathSentence(death),
  }))
}

const VMSTAT = [{ artifact: 'facts.tar.zst', entry: 'proc/vmstat' }] as const

function beyond(group: Death, named: readonly Told[]): readonly Death[] {
  const count = (group.count ?? 0) - named.filter(({ subject }) => subject.unit === group.subject.unit).length
  return count > 0 ? [{ ...group, count }] : []
}

/** The first of them one by one, the others of each kind as a number. */
function few(deaths: readonly Finding[]): readonly Finding[] {
  const others = deaths.slice(MOST_TOLD).filter(({ boot }) => boot !== 'earlier')
  const kinds = [...new Set(others.map(({ kind }) => kind))]
  const rest = kinds.map((kind): Finding => {
    const count = others.filter((death) => death.kind === kind).reduce((sum, death) => sum + (death.count ?? 1), 0)
    const death = { ...NOBODY, kind, count, certainty: 'sure' } as const
    return { ...death, sentence: deathSentence(death) }
  })
  return [...deaths.slice(0, MOST_TOLD), ...rest]
}
