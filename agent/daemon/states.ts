import type { Due, Word } from './triggers/trigger.ts'

/**
 * What the daemon is at. `idle`: it waits. `capturing`: the host lives on, as far as is known, and what is less urgent comes `next`. `announced`: the
 * host is about to go down, and is captured; it is `over` when that has ended before systemd begins. `cancelled`: it does not go down after all, and what
 * was begun is closed. `ending`: the host goes; after this capture the process ends.
 */
export type State =
  | { readonly is: 'idle' }
  | { readonly is: 'capturing'; readonly due: Due; readonly next: Due | undefined }
  | { readonly is: 'announced'; readonly over: boolean; readonly next: Due | undefined }
  | { readonly is: 'cancelled'; readonly next: Due | undefined }
  | { readonly is: 'ending'; readonly forced: boolean }

/**
 * What is to be done, at once. `begin`: a capture, in place of the one under way, for whose end nobody waits any more. `rearm`: the
 * time of the one under way is counted anew. `hurry`: it closes its manifest, and is over soon, whatever has become of it. `cancel`: it closes its
 * manifest as well, and says that the shutdown was cancelled. `hold`: applications are let go, and held anew for the next time. `rest`: all is kept at
 * hand again that was left alone while the host was thought to go.
 */
export type Step =
  | { readonly do: 'begin' | 'rearm'; readonly due: Due }
  | { readonly do: 'hurry' | 'cancel' | 'hold' | 'rest' | 'end' }

export interface Decision {
  readonly state: State
  readonly steps: readonly Step[]
}

export const IDLE: State = { is: 'idle' }
const SHUTDOWN: Due = { trigger: 'shutdown' }
/** The more urgent, the sooner the host is gone: what is more urgent waits for nothing less. */
const URGENCY: Readonly<Record<Due['trigger'], number>> = { shutdown: 2, notice: 1, 'previous-boot': 0 }

/** What a word makes of a state. */
export function decide(state: State, word: Word): Decision {
  switch (word.is) {
    case 'due':
      return due(state, word.due)
    case 'cancelled':
      return cancelled(state)
    case 'forced':
      return forced(state)
    case 'ended':
      return ended(state)
  }
}

function due(state: State, due: Due): Decision {
  switch (state.is) {
    case 'idle':
      return begin(due)
    case 'capturing':
      if (due.trigger === state.due.trigger) return { state: { ...state, due }, steps: [{ do: 'rearm', due }] }
      if (isLess(due, state.due)) return { state: { ...state, next: due }, steps: [] }
      return after([{ do: 'hurry' }], begin(due, due.trigger === 'shutdown' ? state.next : state.due))
    case 'announced':
      if (due.trigger !== 'shutdown') return { state: { ...state, next: moreUrgent(due, state.next) }, steps: [] }
      if (due.announced !== undefined) return { state, steps: [] }
      // The same shutdown, for certain now: the later word has the better deadline.
      return { state: { is: 'ending', forced: false }, steps: state.over ? [{ do: 'end' }] : [{ do: 'rearm', due }] }
    case 'cancelled':
      if (due.trigger !== 'shutdown') return { state: { ...state, next: moreUrgent(due, state.next) }, steps: [] }
      return after([{ do: 'hurry' }], begin(due, state.next))
    case 'ending':
      return { state, steps: [] }
  }
}

function cancelled(state: State): Decision {
  // What systemd has begun with, nobody cancels: it stops us whatever is said.
  if (state.is !== 'announced') return { state, steps: [] }
  if (state.over) return after([{ do: 'hold' }], rest(state.next))
  return { state: { is: 'cancelled', next: state.next }, steps: [{ do: 'cancel' }, { do: 'hold' }] }
}

function forced(state: State): Decision {
  if (state.is === 'ending')
    return { state: { is: 'ending', forced: true }, steps: state.forced ? [] : [{ do: 'hurry' }] }
  const ending = due(state, SHUTDOWN)
  return after(ending.steps, forced(ending.state))
}

function ended(state: State): Decision {
  switch (state.is) {
    case 'idle':
      return { state, steps: [] }
    case 'capturing':
      return state.next === undefined ? { state: IDLE, steps: [] } : begin(state.next)
    case 'announced':
      return { state: { ...state, over: true }, steps: [] }
    case 'cancelled':
      return rest(state.next)
    case 'ending':
      return { state, steps: [{ do: 'end' }] }
  }
}

/** Begins a capture. One of a host that goes for certain is the last: nothing comes after it. */
function begin(due: Due, next?: Due): Decision {
  const steps: readonly Step[] = [{ do: 'begin', due }]
  if (due.trigger !== 'shutdown') return { state: { is: 'capturing', due, next }, steps }
  if (due.announced === undefined) return { state: { is: 'ending', forced: false }, steps }
  return { state: { is: 'announced', over: false, next }, steps }
}

/** The host lives on. */
function rest(next: Due | undefined): Decision {
  return after([{ do: 'rest' }], next === undefined ? { state: IDLE, steps: [] } : begin(next))
}

const isLess = (due: Due, other: Due) => URGENCY[due.trigger] < URGENCY[other.trigger]

const moreUrgent = (due: Due, other: Due | undefined) => (other !== undefined && isLess(due, other) ? other : due)

function after(before: readonly Step[], { state, steps }: Decision): Decision {
  return { state, steps: [...before, ...steps] }
}
