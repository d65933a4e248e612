import type { Occasion, Phase, Trigger } from '../words/evidence.ts'

/** What a trigger makes of a capture. */
export interface Course {
  /** Which boot it is about. */
  readonly boot: Occasion['boot']
  /** What is taken, in this order. */
  readonly phases: readonly Phase[]
  /** Applications wait until `facts` and `live` are taken, at most as long as the settings say. */
  readonly hold: boolean
  /** Stays open for crashes, when all is taken, while somebody else is still being stopped. */
  readonly window: boolean
  /** Asks which shutdown this is, for the manifest. */
  readonly why: boolean
  /**
   * How long it may take. `deadline`: what the settings say; `notice`: until the instant that the notice names, less a margin;
   * `generous`: GENEROUS_MS, for it disturbs nobody.
   */
  readonly time: 'deadline' | 'notice' | 'generous'
  /** What becomes of the process: it ends, lives on, or lives on and remembers that this was done. */
  readonly afterwards: 'end' | 'live' | 'remember'
}

/**
 * ms for a capture whose time is `generous`: the longest that settings may give one (settings/schema.ts). Nobody waits for it, and the network may
 * come up minutes after it has begun: the store is waited for during the first third (plan/budget.ts).
 */
export const GENEROUS_MS = 30 * 60_000

export const COURSES: Readonly<Record<Trigger, Course>> = {
  shutdown: {
    boot: 'this',
    phases: ['facts', 'live', 'stored'],
    hold: true,
    window: true,
    why: true,
    time: 'deadline',
    afterwards: 'end',
  },
  notice: {
    boot: 'this',
    phases: ['facts', 'stored'],
    hold: false,
    window: false,
    why: false,
    time: 'notice',
    afterwards: 'live',
  },
  'previous-boot': {
    boot: 'previous',
    phases: ['stored'],
    hold: false,
    window: false,
    why: false,
    time: 'generous',
    afterwards: 'remember',
  },
  manual: {
    boot: 'this',
    phases: ['facts', 'live', 'stored'],
    hold: false,
    window: false,
    why: false,
    time: 'deadline',
    afterwards: 'end',
  },
}
