import type { Finding } from '../bundle/schema.ts'
import type { Pod } from '../words/pod.ts'
import { signalName } from '../words/signal-name.ts'
import { formatBytes, formatDuration } from '../words/units.ts'
import type { Death } from './death.ts'
import type { End, Unseen } from './seen.ts'

/** Said only where all of it was looked at: see `Place`. Of a boot that is over nobody can tell what hung in it. */
export const NO_CRASH = 'Nothing had crashed.'
export const NOTHING = 'Nothing had crashed, hung, run out or failed.'

/** What happened to whom, in one sentence. The only words of the host in it are names. */
export function deathSentence(death: Fate & Pick<Finding, 'subject' | 'boot' | 'evidence' | 'grew' | 'at'>): string {
  const earlier = death.boot === 'earlier' ? ', in an earlier boot' : ''
  return `${whoOf(death)} ${fateOf(death)}${earlier}${coreOf(death)}${grewOf(death)}.`
}

type Fate = Pick<Finding, 'kind' | 'signal' | 'count'> & Pick<Death, 'scope'>

/** Who had grown most before it, where that is known. */
function grewOf({ grew, at }: Pick<Finding, 'grew' | 'at'>): string {
  if (grew === undefined || at === undefined) return ''
  const { unit, comm, from, to, since } = grew
  return `; ${unit ?? comm ?? 'a process'} had grown most, from ${formatBytes(from)} to ${formatBytes(to)} in ${formatDuration(at - since)}`
}

function whoOf({
  kind,
  subject,
  count,
  scope,
}: Pick<Finding, 'kind' | 'subject' | 'count'> & Pick<Death, 'scope'>): string {
  const { exe, comm, unit } = subject
  // All of it is killed, and nobody says which processes that were.
  if (scope === 'oomd' && unit !== undefined) return unit
  const home = homeOf(subject)
  if (count !== undefined) {
    const what = `${kind === 'oom' ? '' : 'more '}${count === 1 ? 'process' : 'processes'}`
    return `${count} ${what.trim()}${home === undefined ? '' : ` of ${home}`}`
  }
  const id = idOf(subject)
  const told = id === undefined ? '' : ` (${id})`
  return `${exe ?? comm ?? 'A process'}${told}${home === undefined ? '' : ` of ${home}`}`
}

type Home = { readonly [Name in 'unit' | keyof Pod]?: string | undefined }

/** Where in the host something belongs: a unit, or a container of a pod, whose unit is called by an id that says nothing. */
export function homeOf({ unit, pod, namespace, containerName }: Home): string | undefined {
  if (pod === undefined || namespace === undefined) return unit
  return `${containerName === undefined ? '' : `${containerName} in `}pod ${namespace}/${pod}`
}

/** `pid 8`, or `thread 8`: the kernel's log names the thread that it ended, of whatever process. */
export function idOf({ pid, tid }: Finding['subject']): string | undefined {
  if (pid !== undefined) return `pid ${pid}`
  return tid === undefined ? undefined : `thread ${tid}`
}

function fateOf({ kind, signal, count, scope }: Fate): string {
  const was = count !== undefined && count !== 1 ? 'were' : 'was'
  const limit = scope === 'group' ? ', at the limit of its group' : ''
  if (kind === 'oom')
    return `${was} killed by ${scope === 'oomd' ? 'systemd-oomd' : 'the kernel'} for want of memory${limit}`
  return signal === undefined ? 'crashed' : `${was} ended by ${signalName(signal)}`
}

function coreOf({ kind, count, evidence }: Pick<Finding, 'kind' | 'count' | 'evidence'>): string {
  if (kind !== 'crash' || count !== undefined) return ''
  return hasCore({ evidence }) ? '' : '; no core was found'
}

/** Whether the core of a crash was found on the host. What became of it says its receipt. */
export function hasCore({ evidence }: Pick<Finding, 'evidence'>): boolean {
  return evidence.some(({ artifact }) => artifact.startsWith('cores/'))
}

/** `cause` in our own words. */
export function panicSentence({ comm, pid }: Finding['subject'], cause: string | undefined): string {
  const why = cause === undefined ? '' : ` ${cause}`
  const id = pid === undefined ? '' : ` (pid ${pid})`
  return `The kernel panicked${why}${comm === undefined ? '' : `, while ${comm}${id} was running`}.`
}

/** How a boot ended that nobody has captured to its end. */
export function endSentence(end: Exclude<End, 'ordered'>): string {
  const sentences = {
    cut: 'The host went without a word: no ordered stop and no panic is on record.',
    unseen: 'The host was stopped in order, and its end was not captured.',
    unknown: 'How the host went is not on record: there is no journal of it, and its end was not captured.',
  }
  return sentences[end]
}

/** What only some can tell of; all others tell of crashes. */
const GONE_WRONG: Readonly<Partial<Record<Unseen['place'], string>>> = {
  systemd: 'failed',
  'the processes': 'hung',
  'the file systems': 'run out',
  'the limits': 'run out',
}

/** What is not known for want of a witness. */
export function unseenSentence({ place, why }: Unseen, somethingDied: boolean): string {
  return `Whether anything${somethingDied ? ' else' : ''} had ${GONE_WRONG[place] ?? 'crashed'} is not known: ${place} ${why}.`
}
