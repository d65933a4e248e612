import type { Due, Word } from './triggers/trigger.ts'

/**
 * What the daemon is at. `idle`: it waits. `capturing`: the host lives on, as far as is known, and what is less urgent comes `next`.
 * `ending`: the host goes; after this capture the process ends.
 */
export type State =
  | { readonly is: 'idle' }
  | { readonly is: 'capturing'; readonly due: Due; readonly next: Due | undefined }
  | { readonly is: 'ending'; readonly forced: boolean }

/**
 * What is to be done, at once. `begin`: a capture, in place of the one under way, for whose end nobody waits any more. `rearm`: the
 * time of the one under way is counted anew. `hurry`: it closes its manifest, and is over soon, whatever has become of it.
 */
export type Step = { readonly do: 'begin' | 'rearm'; readonly due: Due } | { readonly do: 'hurry' | 'end' }

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
      if (URGENCY[due.trigger] < URGENCY[state.due.trigger]) return { state: { ...state, next: due }, steps: [] }
      return after([{ do: 'hurry' }], begin(due, state.due))
    case 'ending':
      // Told twice that it goes down, the host goes down once: the later word has the better deadline.
      return { state, steps: due.trigger === 'shutdown' && !state.forced ? [{ do: 'rearm', due }] : [] }
  }
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
    case 'ending':
      return { state, steps: [{ do: 'end' }] }
  }
}

/** Begins a capture. One of a host that goes is the last: nothing comes after it. */
function begin(due: Due, next?: Due): Decision {
  const state: State = due.trigger === 'shutdown' ? { is: 'ending', forced: false } : { is: 'capturing', due, next }
  return { state, steps: [{ do: 'begin', due }] }
}

function after(before: readonly Step[], { state, steps }: Decision): Decision {
  return { state, steps: [...before, ...steps] }
}
