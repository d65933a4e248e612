import t from 'tap'
import { decide, IDLE, type State, type Step } from '../../agent/daemon/states.ts'
import type { Due, Word } from '../../agent/daemon/triggers/trigger.ts'

const shutdown: Due = { trigger: 'shutdown' }
const notice: Due = { trigger: 'notice', until: 1 }
const previous: Due = { trigger: 'previous-boot' }
const later: Due = { trigger: 'notice', until: 2 }

const announced: Due = { trigger: 'shutdown', announced: 5 }

const told = (over: boolean, next?: Due): State => ({ is: 'announced', over, next })
const closing = (next?: Due): State => ({ is: 'cancelled', next })
const capturing = (due: Due, next?: Due): State => ({ is: 'capturing', due, next })
const ending = (forced: boolean): State => ({ is: 'ending', forced })
const begin = (due: Due): Step => ({ do: 'begin', due })
const rearm = (due: Due): Step => ({ do: 'rearm', due })
const hurry: Step = { do: 'hurry' }
const end: Step = { do: 'end' }
const cancel: Step = { do: 'cancel' }
const hold: Step = { do: 'hold' }
const rest: Step = { do: 'rest' }

const STATES: Readonly<Record<string, State>> = {
  idle: IDLE,
  'previous boot': capturing(previous),
  'a notice': capturing(notice),
  'a notice, the previous boot comes next': capturing(notice, previous),
  announced: told(false),
  'announced, the previous boot comes next': told(false, previous),
  'announced and captured': told(true),
  'announced and captured, a notice comes next': told(true, notice),
  cancelled: closing(),
  'cancelled, a notice comes next': closing(notice),
  ending: ending(false),
  'forced to end': ending(true),
}

const WORDS: Readonly<Record<string, Word>> = {
  shutdown: { is: 'due', due: shutdown },
  announced: { is: 'due', due: announced },
  cancelled: { is: 'cancelled' },
  notice: { is: 'due', due: later },
  'previous-boot': { is: 'due', due: previous },
  forced: { is: 'forced' },
  ended: { is: 'ended' },
}

/** What every word makes of every state: the state, then what is done at once. */
const TABLE: Readonly<Record<string, Readonly<Record<string, readonly [State, ...Step[]]>>>> = {
  idle: {
    announced: [told(false), begin(announced)],
    cancelled: [IDLE],
    shutdown: [ending(false), begin(shutdown)],
    notice: [capturing(later), begin(later)],
    'previous-boot': [capturing(previous), begin(previous)],
    forced: [ending(true), begin(shutdown), hurry],
    ended: [IDLE],
  },
  'previous boot': {
    announced: [told(false), hurry, begin(announced)],
    cancelled: [capturing(previous)],
    shutdown: [ending(false), hurry, begin(shutdown)],
    notice: [capturing(later, previous), hurry, begin(later)],
    'previous-boot': [capturing(previous), rearm(previous)],
    forced: [ending(true), hurry, begin(shutdown), hurry],
    ended: [IDLE],
  },
  'a notice': {
    announced: [told(false), hurry, begin(announced)],
    cancelled: [capturing(notice)],
    shutdown: [ending(false), hurry, begin(shutdown)],
    notice: [capturing(later), rearm(later)],
    'previous-boot': [capturing(notice, previous)],
    forced: [ending(true), hurry, begin(shutdown), hurry],
    ended: [IDLE],
  },
  'a notice, the previous boot comes next': {
    announced: [told(false, previous), hurry, begin(announced)],
    cancelled: [capturing(notice, previous)],
    shutdown: [ending(false), hurry, begin(shutdown)],
    notice: [capturing(later, previous), rearm(later)],
    'previous-boot': [capturing(notice, previous)],
    forced: [ending(true), hurry, begin(shutdown), hurry],
    ended: [capturing(previous), begin(previous)],
  },
  announced: {
    shutdown: [ending(false), rearm(shutdown)],
    announced: [told(false)],
    cancelled: [closing(), cancel, hold],
    notice: [told(false, later)],
    'previous-boot': [told(false, previous)],
    forced: [ending(true), rearm(shutdown), hurry],
    ended: [told(true)],
  },
  'announced, the previous boot comes next': {
    shutdown: [ending(false), rearm(shutdown)],
    announced: [told(false, previous)],
    cancelled: [closing(previous), cancel, hold],
    notice: [told(false, later)],
    'previous-boot': [told(false, previous)],
    forced: [ending(true), rearm(shutdown), hurry],
    ended: [told(true, previous)],
  },
  'announced and captured': {
    shutdown: [ending(false), end],
    announced: [told(true)],
    cancelled: [IDLE, hold, rest],
    notice: [told(true, later)],
    'previous-boot': [told(true, previous)],
    forced: [ending(true), end, hurry],
    ended: [told(true)],
  },
  'announced and captured, a notice comes next': {
    shutdown: [ending(false), end],
    announced: [told(true, notice)],
    cancelled: [capturing(notice), hold, rest, begin(notice)],
    notice: [told(true, later)],
    'previous-boot': [told(true, notice)],
    forced: [ending(true), end, hurry],
    ended: [told(true, notice)],
  },
  cancelled: {
    shutdown: [ending(false), hurry, begin(shutdown)],
    announced: [told(false), hurry, begin(announced)],
    cancelled: [closing()],
    notice: [closing(later)],
    'previous-boot': [closing(previous)],
    forced: [ending(true), hurry, begin(shutdown), hurry],
    ended: [IDLE, rest],
  },
  'cancelled, a notice comes next': {
    shutdown: [ending(false), hurry, begin(shutdown)],
    announced: [told(false, notice), hurry, begin(announced)],
    cancelled: [closing(notice)],
    notice: [closing(later)],
    'previous-boot': [closing(notice)],
    forced: [ending(true), hurry, begin(shutdown), hurry],
    ended: [capturing(notice), rest, begin(notice)],
  },
  ending: {
    shutdown: [ending(false)],
    announced: [ending(false)],
    cancelled: [ending(false)],
    notice: [ending(false)],
    'previous-boot': [ending(false)],
    forced: [ending(true), hurry],
    ended: [ending(false), end],
  },
  'forced to end': {
    announced: [ending(true)],
    cancelled: [ending(true)],
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
