import { KINDS } from '../bundle/keys.ts'
import type { Finding } from '../bundle/schema.ts'
import { sentence as sentenceOf } from '../words/cannot.ts'
import { tellable } from '../words/printable.ts'
import { isSize, must, record } from './read-fields.ts'
import { readIdentity } from './read-identity.ts'

/** Witnesses of one death, and cores of it: more than there are kinds of. */
const MOST_PLACES = 16
/** Characters of a name in a bundle, and of a sentence: a path (4096 bytes) and a unit stand in it. */
const NAME = 512
const SENTENCE = 8192

const CERTAINTIES = ['sure', 'likely', 'claimed'] as const
const BOOTS = ['this', 'earlier', 'unknown'] as const

/** A finding, field by field: text is cut and made plain. Throws where it is none. */
export function readFinding(value: unknown): Finding {
  const { kind, certainty, boot, subject, signal, at, late, count, sentence, evidence } = record(value, 'finding')
  must(isOneOf(KINDS, kind), 'kind')
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
    ...{ kind, certainty, boot },
    subject: defined({ unit, exe, comm, pid, uid, ...place, ...(isSize(tid) && { tid }) }),
    ...(isSize(signal) && { signal }),
    ...(typeof at === 'number' && Number.isFinite(at) && { at }),
    ...(late === true && { late }),
    ...(isSize(count) && { count: Math.round(count) }),
    sentence: tellable(sentence, SENTENCE),
    evidence: evidence.slice(0, MOST_PLACES).map((place) => {
      const { artifact, entry } = record(place, 'evidence')
      must(typeof artifact === 'string', 'evidence')
      return { artifact: tellable(artifact, NAME), ...(typeof entry === 'string' && { entry: tellable(entry, NAME) }) }
    }),
  }
}

/** What stands for a finding that cannot be read. */
export function unreadableFinding(error: unknown): Finding {
  const sentence = `Something of what went wrong is not known: ${sentenceOf(error)}.`
  return { kind: 'unknown', certainty: 'sure', boot: 'this', subject: {}, sentence, evidence: [] }
}

const isOneOf = <T extends string>(all: readonly T[], value: unknown): value is T => all.some((one) => one === value)

/** Without the fields that are not known. */
function defined(subject: Finding['subject']): Finding['subject'] {
  return Object.fromEntries(Object.entries(subject).filter(([, value]) => value !== undefined))
}
