import { decide, IDLE, type State, type Step } from './states.ts'
import type { Due, Word } from './triggers/trigger.ts'

/** A capture under way. */
export interface Underway {
  /** Resolves when it has ended, however. */
  readonly ended: Promise<void>
  /** Counts its time anew, by what has been said now. */
  rearm(due: Due): void
  /** Closes its manifest at once. */
  hurry(): void
  /** Closes its manifest, for the shutdown was cancelled. It lets nobody go any more. */
  cancel(): void
}

/** What a daemon does beside its captures. */
export interface Around {
  /** Begins a capture. */
  readonly begin: (due: Due) => Underway
  /** Lets applications go, and holds them anew. */
  readonly hold: () => void
  /** Keeps all at hand again: the host does not go down after all. */
  readonly rest: () => void
}

/** What the daemon is at, fed by its triggers. Each word is acted upon at once, and nothing is waited for. */
export class Agenda {
  /** Resolves when the process is to end. */
  readonly over: Promise<void>
  readonly #end: () => void
  readonly #around: Around
  #state: State = IDLE
  #underway: Underway | undefined

  constructor(around: Around) {
    this.#around = around
    const { promise, resolve } = Promise.withResolvers<void>()
    this.over = promise
    this.#end = resolve
  }

  tell(word: Word): void {
    const { state, steps } = decide(this.#state, word)
    this.#state = state
    for (const step of steps) this.#take(step)
  }

  #take(step: Step): void {
    switch (step.do) {
      case 'begin':
        this.#takeUp(this.#around.begin(step.due))
        break
      case 'rearm':
        this.#underway?.rearm(step.due)
        break
      case 'hurry':
        this.#underway?.hurry()
        break
      case 'cancel':
        this.#underway?.cancel()
        break
      case 'hold':
        this.#around.hold()
        break
      case 'rest':
        this.#around.rest()
        break
      case 'end':
        this.#end()
    }
  }

  /** The end of one in whose place it comes is nobody's business any more. */
  #takeUp(begun: Underway): void {
    this.#underway = begun
    void begun.ended.then(() => {
      if (this.#underway === begun) this.tell({ is: 'ended' })
    })
  }
}
