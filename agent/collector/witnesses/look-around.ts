import type { Finding } from '../../bundle/schema.ts'
import { coreDeath, unfinishedDeath } from '../../findings/core-words.ts'
import type { Death, Panic } from '../../findings/death.ts'
import { type Evidence, noEvidence } from '../../findings/evidence.ts'
import { findingsOf } from '../../findings/findings.ts'
import { kernelDeaths } from '../../findings/kernel-words.ts'
import { type LeftLog, messagesIn, panicsIn } from '../../findings/panic-words.ts'
import type { Rule } from '../../findings/rule.ts'
import type { End, Place, Seen, Unseen } from '../../findings/seen.ts'
import { abandonable } from '../../words/deadline.ts'
import type { InventoryGap, InventoryItem } from '../../words/evidence.ts'
import type { BootBefore } from '../host/boot-before.ts'
import { HostReads } from '../host/host-reads.ts'
import { ledger } from '../host/ledger.ts'
import { named } from '../host/pods.ts'
import { thisBootId } from '../host/this-boot.ts'
import { evidenceBefore } from './boot-before.ts'
import { type JournalTestimony, journalTestimony } from './journal.ts'
import { kernelTestimony } from './kernel-log.ts'
import { killCounts } from './kill-counts.ts'
import { nothingOf, type Testimony, unseenFor } from './testimony.ts'

/** What this capture's inventories have told of cores so far, and when it began (ms since the epoch). */
export interface Listed {
  readonly cores: readonly Pick<InventoryItem, 'name' | 'identity'>[]
  readonly gaps: readonly InventoryGap[]
  readonly began: number
}

/** What the boot before has left: which that is, and what its kernel left of its log. */
export interface LeftBehind {
  readonly before: Pick<BootBefore, 'id' | 'journal' | 'remembered'>
  readonly logs: readonly LeftLog[]
  /** Why not all of that could be read. */
  readonly unread: string | undefined
}

/** What is known of the boot before, likewise: of its witnesses the journal is left, and what its kernel left. */
export async function lookBack(
  root: string,
  listed: Listed,
  { before, logs, unread }: LeftBehind,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { id, journal: ended } = before
  const journal: Testimony & Partial<JournalTestimony> =
    id === undefined || ended === 'none'
      ? unseenFor('the journal', 'has nothing of that boot')
      : await abandonable(journalTestimony(root, id, signal), signal).catch((error: unknown) =>
          nothingOf('the journal', error),
        )
  const { unitFailures = [], restarts = [] } = journal
  const looked = abandonable(evidenceBefore(root, before, { unitFailures, restarts }, signal), signal).catch(
    () => undefined,
  )
  const cores = coresTestimony(listed, id)
  const kernel = unread === undefined ? [] : [{ place: 'what the kernel left', why: unread } as const]
  const panics = panicsIn(logs)
  const evidence = withLogs(await looked, logs, panics[0])
  const deaths = [...journal.deaths, ...kernelDeaths(evidence?.kernel ?? []), ...cores.deaths]
  const findings = findingsOf({
    deaths: await inPods(root, deaths, signal),
    ...(evidence !== undefined && { evidence }),
    panics,
    end: endOf(before),
    unseen: [...journal.unseen, ...cores.unseen, ...kernel],
    kills: undefined,
    // What came late in that boot was told by then.
    began: Number.POSITIVE_INFINITY,
  })
  return findings.map((finding) => inJournal(finding, panics[0]?.evidence ?? []))
}

/** What its kernel said last may not have come to the disk, but stands in what it left of its log as it panicked. */
function withLogs(evidence: Evidence | undefined, logs: readonly LeftLog[], panic: Panic | undefined) {
  if (evidence === undefined || panic === undefined) return evidence
  const its = logs.filter(({ artifact }) => panic.evidence.some((place) => place.artifact === artifact))
  const known = new Set(evidence.kernel.map(({ text }) => text))
  const more = its.flatMap((log) => messagesIn(log, evidence.began)).filter(({ text }) => !known.has(text))
  return { ...evidence, kernel: [...evidence.kernel, ...more] }
}

/** There are no facts of a boot that is over: what its kernel and its services said stands in the journal, or in what it left as it panicked. */
function inJournal(finding: Finding, left: Finding['evidence']): Finding {
  const places = finding.evidence.flatMap((place) =>
    place.artifact === FACTS ? [{ artifact: 'journal' }, ...left] : [place],
  )
  const artifacts = places.map(({ artifact }) => artifact)
  return { ...finding, evidence: places.filter(({ artifact }, at) => artifacts.indexOf(artifact) === at) }
}

const FACTS = 'facts.tar.zst'

function endOf({ journal, remembered }: LeftBehind['before']): End {
  if (journal === 'cut') return 'cut'
  if (remembered === undefined) return journal === 'none' ? 'unknown' : 'ordered'
  if (remembered.captured) return 'ordered'
  return journal === 'none' ? 'unknown' : 'unseen'
}

/** What is known of this boot's host besides deaths: what the rules look at, as far as others have read it, and what they could not. */
export interface Vitals {
  readonly evidence: Partial<Evidence>
  readonly unseen: readonly Unseen[]
  /** The rules of the image's builder. */
  readonly rules: readonly Rule[]
}

/** What the words of all witnesses of this boot, and the host's vital signs, amount to. */
export async function lookAround(
  root: string,
  listed: Listed,
  vitals: Promise<Vitals>,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  return findingsOf(await seenAround(root, listed, vitals, signal))
}

/** Asks all witnesses of this boot side by side. One that hangs costs its own words. */
export async function seenAround(
  root: string,
  listed: Listed,
  vitals: Promise<Vitals>,
  signal: AbortSignal,
): Promise<Seen> {
  using reads = new HostReads(root, ledger(), signal)
  const heard = async <T>(place: Place, words: Promise<T>): Promise<T | Testimony> =>
    await abandonable(words, signal).catch((error: unknown) => nothingOf(place, error))
  const atOnce = heard('the processes', vitals)
  const bootId = await thisBootId(root, signal)
  const [kernel, journal, counts, signs] = await Promise.all([
    heard('the kernel’s log', kernelTestimony(reads)),
    heard('the journal', journalTestimony(root, bootId, signal)),
    heard('the counts of kills', killCounts(reads)),
    atOnce,
  ])
  const all = [kernel, journal, counts, coresTestimony(listed, bootId)]
  const deaths = all.flatMap(({ deaths }) => deaths)
  const seen = 'evidence' in signs ? signs : { evidence: {}, rules: [], unseen: signs.unseen }
  return {
    deaths: await inPods(root, deaths, signal),
    unseen: [...all, seen].flatMap(({ unseen }) => unseen),
    evidence: {
      ...noEvidence(listed.began),
      ...seen.evidence,
      ...('messages' in kernel && { kernel: kernel.messages }),
      ...('restarts' in journal && { unitFailures: journal.unitFailures, restarts: journal.restarts }),
    },
    more: seen.rules,
    kills: 'kills' in counts ? counts.kills : undefined,
    began: listed.began,
  }
}

/** The same deaths, of which those in a pod say in which. */
async function inPods(root: string, deaths: readonly Death[], signal: AbortSignal): Promise<readonly Death[]> {
  const subjects = await named(
    root,
    deaths.map(({ subject }) => subject),
    signal,
  )
  return deaths.map((death, index) => ({ ...death, subject: subjects[index] ?? death.subject }))
}

function coresTestimony({ cores, gaps }: Listed, bootId: string | undefined): Testimony {
  const failed = gaps.filter(({ source, status }) => source === 'cores' && status === 'failed')
  const isUnread = failed.some(({ identity }) => identity?.pid === undefined)
  return {
    deaths: [
      ...cores.flatMap((core) => coreDeath(core, bootId) ?? []),
      ...failed.flatMap(({ identity }) => (identity === undefined ? [] : (unfinishedDeath(identity) ?? []))),
    ],
    unseen: isUnread ? [{ place: 'the directories of cores', why: 'could not all be read' }] : [],
  }
}
