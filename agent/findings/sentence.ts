import type { Finding } from '../bundle/schema.ts'
import type { Pod } from '../words/pod.ts'
import { signalName } from '../words/signal-name.ts'
import type { End, Unseen } from './death.ts'

/** Said only where all of it was looked at: see `Place`. */
export const NOTHING = 'Nothing had crashed.'

/** What happened to whom, in one sentence. The only words of the host in it are names. */
export function deathSentence(
  death: Pick<Finding, 'kind' | 'subject' | 'signal' | 'count' | 'boot' | 'evidence'>,
): string {
  const earlier = death.boot === 'earlier' ? ', in an earlier boot' : ''
  return `${whoOf(death)} ${fateOf(death)}${earlier}${coreOf(death)}.`
}

function whoOf({ kind, subject, count }: Pick<Finding, 'kind' | 'subject' | 'count'>): string {
  const { exe, comm } = subject
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

function fateOf({ kind, signal, count }: Pick<Finding, 'kind' | 'signal' | 'count'>): string {
  const was = count !== undefined && count !== 1 ? 'were' : 'was'
  if (kind === 'oom') return `${was} killed by the kernel for want of memory`
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

/** What is not known for want of a witness. */
export function unseenSentence({ place, why }: Unseen, somethingDied: boolean): string {
  const what = somethingDied ? 'Whether anything else had crashed' : 'Whether anything had crashed'
  return `${what} is not known: ${place} ${why}.`
}
