import t from 'tap'
import { decide, IDLE, type State, type Step } from '../../agent/daemon/states.ts'
import type { Due, Word } from '../../agent/daemon/triggers/trigger.ts'

const shutdown: Due = { trigger: 'shutdown' }
const notice: Due = { trigger: 'notice', until: 1 }
const previous: Due = { trigger: 'previous-boot' }
const later: Due = { trigger: 'notice', until: 2 }

const capturing = (due: Due, next?: Due): State => ({ is: 'capturing', due, next })
const ending = (forced: boolean): State => ({ is: 'ending', forced })
const begin = (due: Due): Step => ({ do: 'begin', due })
const rearm = (due: Due): Step => ({ do: 'rearm', due })
const hurry: Step = { do: 'hurry' }
const end: Step = { do: 'end' }

const STATES: Readonly<Record<string, State>> = {
  idle: IDLE,
  'previous boot': capturing(previous),
  'a notice': capturing(notice),
  'a notice, the previous boot comes next': capturing(notice, previous),
  ending: ending(false),
  'forced to end': ending(true),
}

const WORDS: Readonly<Record<string, Word>> = {
  shutdown: { is: 'due', due: shutdown },
  notice: { is: 'due', due: later },
  'previous-boot': { is: 'due', due: previous },
  forced: { is: 'forced' },
  ended: { is: 'ended' },
}

/** What every word makes of every state: the state, then what is done at once. */
const TABLE: Readonly<Record<string, Readonly<Record<string, readonly [State, ...Step[]]>>>> = {
  idle: {
    shutdown: [ending(false), begin(shutdown)],
    notice: [capturing(later), begin(later)],
    'previous-boot': [capturing(previous), begin(previous)],
    forced: [ending(true), begin(shutdown), hurry],
    ended: [IDLE],
  },
  'previous boot': {
    shutdown: [ending(false), hurry, begin(shutdown)],
    notice: [capturing(later, previous), hurry, begin(later)],
    'previous-boot': [capturing(previous), rearm(previous)],
    forced: [ending(true), hurry, begin(shutdown), hurry],
    ended: [IDLE],
  },
  'a notice': {
    shutdown: [ending(false), hurry, begin(shutdown)],
    notice: [capturing(later), rearm(later)],
    'previous-boot': [capturing(notice, previous)],
    forced: [ending(true), hurry, begin(shutdown), hurry],
    ended: [IDLE],
  },
  'a notice, the previous boot comes next': {
    shutdown: [ending(false), hurry, begin(shutdown)],
    notice: [capturing(later, previous), rearm(later)],
    'previous-boot': [capturing(notice, previous)],
    forced: [ending(true), hurry, begin(shutdown), hurry],
    ended: [capturing(previous), begin(previous)],
  },
  ending: {
    shutdown: [ending(false), rearm(shutdown)],
    notice: [ending(false)],
    'previous-boot': [ending(false)],
    forced: [ending(true), hurry],
    ended: [ending(false), end],
  },
  'forced to end': {
    shutdown: [ending(true)],
    notice: [ending(true)],
    'previous-boot': [ending(true)],
    forced: [ending(true)],
    ended: [ending(true), end],
  },
}

for (const [name, state] of Object.entries(STATES)) {
  t.test(`${name}:`, async (t) => {
    for (const [said, word] of Object.entries(WORDS)) {
      const [expected, ...steps] = TABLE[name]?.[said] ?? []
      t.strictSame(decide(state, word), { state: expected, steps }, said)
    }
  })
}
