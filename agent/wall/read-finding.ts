import { KINDS } from '../bundle/keys.ts'
import type { Finding } from '../bundle/schema.ts'
import { sentence as sentenceOf } from '../words/cannot.ts'
import { tellable } from '../words/printable.ts'
import { isSize, must, record, whole } from './read-fields.ts'
import { readIdentity } from './read-identity.ts'

/** Witnesses of one death, and cores of it: more than there are kinds of. */
const MOST_PLACES = 16
/** Characters of a name in a bundle, and of a sentence: a path (4096 bytes) and a unit stand in it. */
const NAME = 512
const SENTENCE = 8192

/** A rule's name: of ours, or of the builder's. */
const RULE = /^[a-z][a-z0-9-]{0,63}$/

const CERTAINTIES = ['certain', 'likely', 'claimed'] as const
const BOOTS = ['this', 'earlier', 'unknown'] as const

/** A finding, field by field: text is cut and made plain. Throws where it is none. */
export function readFinding(value: unknown): Finding {
  const { kind, rule, certainty, boot, subject, signal, at, late, count, grew, sentence, evidence } = record(
    value,
    'finding',
  )
  must(isOneOf(KINDS, kind), 'kind')
  must(rule === undefined || (typeof rule === 'string' && RULE.test(rule)), 'rule')
  must(isOneOf(CERTAINTIES, certainty), 'certainty')
  must(isOneOf(BOOTS, boot), 'boot')
  must(typeof sentence === 'string', 'sentence')
  must(Array.isArray(evidence), 'evidence')
  const { unit, exe, comm, pid, uid, container, pod, namespace, containerName } = readIdentity(
    record(subject, 'subject'),
  )
  const { tid } = record(subject, 'subject')
  const place = { container, pod, namespace, containerName }
  return {
    ...{ kind, ...(rule !== undefined && { rule }), certainty, boot },
    subject: defined({ unit, exe, comm, pid, uid, ...place, ...(isSize(tid) && { tid }) }),
    ...(isSize(signal) && { signal }),
    ...(typeof at === 'number' && Number.isFinite(at) && { at }),
    ...(late === true && { late }),
    ...(isSize(count) && { count: Math.round(count) }),
    ...(grew !== undefined && { grew: readGrowth(grew) }),
    sentence: tellable(sentence, SENTENCE),
    evidence: evidence.slice(0, MOST_PLACES).map((place) => {
      const { artifact, entry } = record(place, 'evidence')
      must(typeof artifact === 'string', 'evidence')
      return { artifact: tellable(artifact, NAME), ...(typeof entry === 'string' && { entry: tellable(entry, NAME) }) }
    }),
  }
}

function readGrowth(value: unknown): NonNullable<Finding['grew']> {
  const { unit, comm, from, to, since } = record(value, 'growth')
  must(isSize(from) && isSize(to) && isSize(since), 'growth')
  return {
    ...(typeof unit === 'string' && { unit: tellable(unit, NAME) }),
    ...(typeof comm === 'string' && { comm: tellable(comm, NAME) }),
    ...{ from: whole(from), to: whole(to), since },
  }
}

/** What stands for a finding that cannot be read. */
export function unreadableFinding(error: unknown): Finding {
  const sentence = `Something of what went wrong is not known: ${sentenceOf(error)}.`
  return { kind: 'unknown', certainty: 'certain', boot: 'this', subject: {}, sentence, evidence: [] }
}

const isOneOf = <T extends string>(all: readonly T[], value: unknown): value is T => all.some((one) => one === value)

/** Without the fields that are not known. */
function defined(subject: Finding['subject']): Finding['subject'] {
  return Object.fromEntries(Object.entries(subject).filter(([, value]) => value !== undefined))
}
