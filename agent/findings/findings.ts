import type { Finding } from '../bundle/schema.ts'
import type { Death, Panic } from './death.ts'
import { growthBefore } from './history.ts'
import { oneForEach, type Told } from './one-death.ts'
import { ranked } from './rank.ts'
import { RULES } from './rules.ts'
import type { Seen, Unseen } from './seen.ts'
import { deathSentence, endSentence, NO_CRASH, NOTHING, panicSentence, unseenSentence } from './sentence.ts'
import { signsIn, unexplained } from './signs.ts'

/** Deaths that are told one by one: a service that crashes in a loop has thousands. */
export const MOST_TOLD = 32

/** What the evidence says went wrong, what matters most first; never empty: that nothing did is a finding, and that it is not known. */
export function findingsOf(seen: Seen): readonly Finding[] {
  const told = oneForEach(seen.deaths)
  const panics = seen.panics ?? []
  const deaths = ranked([
    ...panics.map(panicFinding),
    ...told.map((death) => deathFinding(death, seen)),
    ...counted(seen, told),
  ])
  const signs = unexplained(
    seen.evidence === undefined ? [] : signsIn(seen.evidence, [...RULES, ...(seen.more ?? [])]),
    deaths,
  )
  const ofThisBoot = signs.length > 0 || deaths.some(({ boot }) => boot !== 'earlier')
  const unseen = [
    ...(panics.length > 0 || seen.end === undefined || seen.end === 'ordered' ? [] : [ended(endSentence(seen.end))]),
    ...seen.unseen.map((one) => unknown(one, ofThisBoot)),
  ]
  const healthy =
    ofThisBoot || unseen.length > 0
      ? []
      : [nothing(seen.evidence === undefined || seen.end !== undefined ? NO_CRASH : NOTHING)]
  return ranked([...few(deaths), ...signs, ...unseen, ...healthy], seen.began)
}

/** When the collector could not be asked. */
export function unasked(why: string): readonly Finding[] {
  const sentence = `Whether anything had crashed is not known: ${why}.`
  return [{ ...NOBODY, kind: 'unknown', certainty: 'certain', sentence }]
}

const NOBODY = { boot: 'this', subject: {}, evidence: [] } as const

const nothing = (sentence: string): Finding => ({ ...NOBODY, kind: 'healthy', certainty: 'certain', sentence })

function unknown(unseen: Unseen, somethingDied: boolean): Finding {
  return { ...NOBODY, kind: 'unknown', certainty: 'certain', sentence: unseenSentence(unseen, somethingDied) }
}

const ended = (sentence: string): Finding => ({ ...NOBODY, kind: 'unknown', certainty: 'likely', sentence })

/** The newest is of the boot that is looked at; those before it may be of any. */
function panicFinding({ cause, ...panic }: Panic, index: number): Finding {
  const boot = index === 0 ? 'this' : 'unknown'
  const sentence = panicSentence(panic.subject, cause)
  return { ...panic, kind: 'panic', certainty: 'certain', boot, sentence }
}

function deathFinding({ witnesses, tid, claimed, scope, ...death }: Told, { began, evidence }: Seen): Finding {
  const { kind, subject, boot, at } = death
  const isLate = boot === 'this' && at !== undefined && at > began
  const grew = kind === 'oom' && at !== undefined ? growthBefore(evidence?.history, at) : undefined
  const finding = {
    ...death,
    ...(scope !== undefined && { rule: `oom-${scope}` }),
    ...(grew !== undefined && { grew }),
    subject: subject.pid === undefined && tid !== undefined ? { ...subject, tid } : subject,
    certainty: certaintyOf(witnesses, claimed),
    ...(isLate && { late: true }),
  }
  return { ...finding, sentence: deathSentence({ ...finding, ...(scope !== undefined && { scope }) }) }
}

function certaintyOf(witnesses: Told['witnesses'], claimed: boolean | undefined): Finding['certainty'] {
  if (claimed) return 'claimed'
  return witnesses.every((witness) => witness === 'core') ? 'likely' : 'certain'
}

/** Those killed for want of memory whom nobody has named: by what the cgroups have counted, and the kernel in all. */
function counted({ deaths, kills }: Seen, told: readonly Told[]): readonly Finding[] {
  const named = told.filter(({ kind, boot, scope }) => kind === 'oom' && boot !== 'earlier' && scope !== 'oomd')
  const groups = deaths.filter(({ witness }) => witness === 'cgroup').flatMap((group) => beyond(group, named))
  const known = [...named, ...groups].reduce((sum, { count = 1 }) => sum + count, 0)
  const others = (kills ?? 0) - known
  const rest: readonly Death[] =
    others <= 0 ? [] : [{ kind: 'oom', witness: 'cgroup', boot: 'this', subject: {}, count: others, evidence: VMSTAT }]
  return [...groups, ...rest].map(({ witness: _, ...death }) => ({
    ...death,
    certainty: 'certain',
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
    const death = { ...NOBODY, kind, count, certainty: 'certain' } as const
    return { ...death, sentence: deathSentence(death) }
  })
  return [...deaths.slice(0, MOST_TOLD), ...rest]
}
