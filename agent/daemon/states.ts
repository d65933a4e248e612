import type { Due, Word } from './triggers/trigger.ts'

/**
 * What the daemon is at. `idle`: it waits. `capturing`: the host lives on, as far as is known, and what is less urgent waits its turn.
 * `ending`: the host goes; after this capture the process ends.
 */
export type State =
  | { readonly is: 'idle' }
  | { readonly is: 'capturing'; readonly due: Due; readonly waiting: readonly Due[] }
  | { readonly is: 'ending'; readonly forced: boolean }

/**
 * What is to be done, at once. `leave`: the capture under way closes its manifest by itself, and nobody waits for it any more.
 * `hurry`: it closes its manifest, and then the process ends, whatever has become of it. `rearm`: its time is counted anew.
 */
export type Step = { readonly do: 'begin' | 'rearm'; readonly due: Due } | { readonly do: 'leave' | 'hurry' | 'end' }

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
      return begin(due, [])
    case 'capturing':
      if (due.trigger === state.due.trigger) return { state: { ...state, due }, steps: [{ do: 'rearm', due }] }
      if (URGENCY[due.trigger] < URGENCY[state.due.trigger])
        return { state: { ...state, waiting: inTurn(due, state.waiting) }, steps: [] }
      return after([{ do: 'leave' }], begin(due, inTurn(state.due, state.waiting)))
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
    case 'capturing': {
      const [next, ...waiting] = state.waiting
      return next === undefined ? { state: IDLE, steps: [] } : begin(next, waiting)
    }
    case 'ending':
      return { state, steps: [{ do: 'end' }] }
  }
}

/** Begins a capture. One of a host that goes is the last: nothing waits behind it. */
function begin(due: Due, waiting: readonly Due[]): Decision {
  const state: State = due.trigger === 'shutdown' ? { is: 'ending', forced: false } : { is: 'capturing', due, waiting }
  return { state, steps: [{ do: 'begin', due }] }
}

/** What is due, among what waits already: each trigger once, by its last word, and the most urgent first. */
function inTurn(due: Due, waiting: readonly Due[]): readonly Due[] {
  const others = waiting.filter(({ trigger }) => trigger !== due.trigger)
  return [due, ...others].toSorted((a, b) => URGENCY[b.trigger] - URGENCY[a.trigger])
}

function after(before: readonly Step[], { state, steps }: Decision): Decision {
  return { state, steps: [...before, ...steps] }
}
