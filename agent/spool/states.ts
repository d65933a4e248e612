import { AGAIN_SUFFIX, isDocument } from '../bundle/keys.ts'

/**
 * What keeper and drain do next, as pure functions of what is known: the code acts on them, and test/spool/model.test.ts plays them
 * against a store that loses answers, power cuts and a salvager.
 */

/** Of an object that lies in the spool, on its way to the store. */
export interface Draining {
  /** The key under which it goes. */
  readonly key: string
  /** Our own record says that a request may have left by which all of this object comes to lie under this key. */
  readonly sent: boolean
  /** It said so before this try, or an answer of this try was lost: what exists under the key is ours. */
  readonly ours: boolean
  readonly at: 'kept' | 'stored' | 'taken' | 'refused' | 'unanswered'
}

/**
 * What is to be done. `record`: write down, durably, that it is sent. `send`: ask the store to create it. `remove`: off the disk, for the
 * store has it. `rename`: the key is another's, so it goes under `<key>.again`. `leave`: it stays for another boot. `wait`: try later.
 */
export type Act = 'record' | 'send' | 'remove' | 'rename' | 'leave' | 'wait'

/** What came of sending. `lost`: nobody knows whether it was done. `unsent`: it was not. `refused`: it will not be done as asked. */
export type Answer = 'created' | 'exists' | 'lost' | 'unsent' | 'refused'

/** An object as a run of the drain finds it; `sent`: what the record says. */
export function found(key: string, sent: boolean): Draining {
  return { key, sent, ours: sent, at: 'kept' }
}

export function nextAct({ key, sent, at }: Draining): Act {
  switch (at) {
    case 'kept':
      return sent ? 'send' : 'record'
    case 'stored':
      return 'remove'
    case 'taken':
      return isArtifact(key) && !isAgain(key) ? 'rename' : 'leave'
    case 'refused':
      return 'leave'
    case 'unanswered':
      return 'wait'
  }
}

/** It has been written down that it is sent. */
export function recorded(object: Draining): Draining {
  return { ...object, sent: true }
}

/** It has another key now, of which the record says so much. */
export function renamed({ key }: Draining, sent: boolean): Draining {
  return found(againKey(key), sent)
}

/** What an answer makes of it. A key that is taken confirms only what our own record says we sent. */
export function answered(object: Draining, answer: Answer): Draining {
  switch (answer) {
    case 'created':
      return { ...object, at: 'stored' }
    case 'exists':
      return { ...object, at: object.ours ? 'stored' : 'taken' }
    case 'lost':
      return { ...object, ours: true, at: 'unanswered' }
    case 'unsent':
      return { ...object, at: 'unanswered' }
    case 'refused':
      return { ...object, at: 'refused' }
  }
}

/** What a capture has done with a key before something is kept under it. */
export interface Before {
  /** An upload in parts was begun: a salvager may complete it with what had arrived. */
  readonly begun: boolean
  /** These very bytes were sent in one request, and may have arrived. */
  readonly same: boolean
  /** Other bytes were, which nobody has any more. */
  readonly other: boolean
}

/** Under which key something is kept, and whether the record has to say first that it may be there already. */
export function keptAs(key: string, inParts: boolean, { begun, same, other }: Before) {
  const again = isArtifact(key) && (inParts || begun || other)
  return { key: again ? againKey(key) : key, sent: same && !again }
}

/**
 * Which of these go next: the opening before all, the manifest when nothing else is to come, and then the row. None, where something has to stay
 * that they speak of: no manifest names what the store has refused, and no row a bundle without its manifest.
 */
export function turn(keys: readonly string[], stays: readonly string[] = []): readonly string[] {
  const first = Math.min(...keys.map(rank))
  return speaksOf(first, stays) ? [] : keys.filter((key) => rank(key) === first)
}

/** Whether an object may go to the store while these of its bundle lie on the disk: none that speaks of one of them. */
export function mayGoAhead(key: string, kept: readonly string[]): boolean {
  return !speaksOf(rank(key), kept)
}

const speaksOf = (ranked: number, keys: readonly string[]) => keys.some((key) => rank(key) < ranked)

function rank(key: string): number {
  const name = nameIn(key)
  if (name === undefined) return key.endsWith('.open') ? 1 : 4
  if (name === 'opening.json') return 0
  return name === 'manifest.json' ? 3 : 2
}

/** Where an object goes whose own key may be another's: a name that nobody but the drain of its host writes. */
export function againKey(key: string): string {
  return `${key}${AGAIN_SUFFIX}`
}

export function isAgain(key: string): boolean {
  return key.endsWith(AGAIN_SUFFIX)
}

/** An object of a bundle that is none of its documents, by its key: those are looked for where they belong. */
export function isArtifact(key: string): boolean {
  const name = nameIn(key)
  return name !== undefined && !isDocument(name)
}

/** The name of an object below its bundle's prefix; undefined for a key of the index. */
function nameIn(key: string): string | undefined {
  return /^v1\/hosts\/[^/]+\/[^/]+\/(.+)$/.exec(key)?.[1]
}
