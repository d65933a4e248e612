import type { Captured } from '../../capture/capture.ts'
import { sentence } from '../../words/cannot.ts'
import { abandonable } from '../../words/deadline.ts'
import type { Before } from '../../words/evidence.ts'
import { load, save } from './file.ts'
import type { Life, Remembered } from './remembered.ts'

/** Which boot of which host the daemon is in: 32 hex digits each, as far as they are known. */
export interface Now {
  readonly machine: string | undefined
  readonly boot: string | undefined
}

/** A capture that is remembered. */
type Trigger = 'shutdown' | 'notice' | 'previous-boot'

/**
 * What the daemon remembers from boot to boot, in a directory. Where that cannot be written, nothing is remembered, and that is said once: what
 * was found there may be of long ago. What is told is written in the background: only who leaves waits for it.
 */
export class Memory {
  readonly #directory: string
  readonly #say: (problem: string) => void
  #remembered: Remembered | undefined
  /** Writes come one after the other, and what is newer takes the place of what still waits. */
  #writing: Promise<void> = Promise.resolve()
  #isDue = false
  #isNew = false
  /** Whether the last shutdown that was captured, was so to its end: it may have been called off since. */
  #isCaptured = false

  private constructor(directory: string, say: (problem: string) => void) {
    this.#directory = directory
    this.#say = say
  }

  /** Takes up what is there, and puts down that this boot has begun. Gives up waiting for it when the signal aborts. */
  static async recall(
    directory: string,
    now: Now,
    say: (problem: string) => void,
    signal: AbortSignal,
  ): Promise<Memory> {
    const memory = new Memory(directory, say)
    try {
      await abandonable(memory.#recall(now), signal)
    } catch (error) {
      memory.#forget(error)
    }
    return memory
  }

  /** Whether the boot before is still to be dealt with: `unknown` where nothing was remembered. */
  get owes(): 'yes' | 'no' | 'unknown' {
    if (this.#remembered === undefined || this.#isNew) return 'unknown'
    return this.#remembered.before === undefined ? 'no' : 'yes'
  }

  /** The boot before, as long as it is not dealt with. */
  get before(): Life | undefined {
    return this.#remembered?.before
  }

  /** The same, as the collector is told of it. */
  get told(): Before | undefined {
    const { before, stored } = this.#remembered ?? {}
    return before && stored && { id: before.id, captured: before.captured, stored }
  }

  /** The bundle of a capture was begun in the store. */
  begun(trigger: Trigger, bundle: string): void {
    if (trigger === 'shutdown') this.#change(({ boot, ...rest }) => ({ ...rest, boot: { ...boot, bundle } }))
  }

  /** A capture has come to this; undefined: its manifest is not stored. */
  ended(trigger: Trigger, captured: Captured | undefined): void {
    if (trigger === 'shutdown') this.#isCaptured = captured !== undefined
    if (captured === undefined) return
    const now = new Set(captured.stored)
    this.#change(({ before, stored, ...rest }) => ({
      ...rest,
      ...(before && trigger !== 'previous-boot' && { before }),
      stored: [...stored.filter((mark) => !now.has(mark)), ...now],
    }))
  }

  /** The boot before has left nothing that is to be sent. */
  dealtWith(): void {
    this.#change(({ before: _, ...rest }) => rest)
  }

  /** Resolves when what was told until now is written, or cannot be. */
  get written(): Promise<void> {
    return this.#writing
  }

  /** The process ends now, because the host goes. Resolves as `written`. */
  async leave(): Promise<void> {
    const captured = this.#isCaptured
    this.#change(({ boot, ...rest }) => ({ ...rest, boot: { ...boot, captured } }))
    await this.written
  }

  async #recall({ machine, boot: id }: Now): Promise<void> {
    if (machine === undefined || id === undefined) throw new Error('this host has no machine id, or no boot id')
    const found = await load(this.#directory).catch((error: unknown) => {
      this.#say(`${sentence(error)}: as if nothing were remembered`)
      return undefined
    })
    const known = found?.machine === machine ? found : undefined
    this.#isNew = known === undefined
    const before = known?.boot.id === id ? known.before : known?.boot
    // Of a daemon that was started anew in one boot, the end of the first was not that of the host.
    this.#remembered = {
      machine,
      boot: { id, captured: false },
      ...(before && { before }),
      stored: known?.stored ?? [],
    }
    await save(this.#directory, this.#remembered)
  }

  #change(changed: (remembered: Remembered) => Remembered): void {
    if (this.#remembered === undefined) return
    this.#remembered = changed(this.#remembered)
    if (this.#isDue) return
    this.#isDue = true
    this.#writing = this.#writing.then(() => this.#write())
  }

  async #write(): Promise<void> {
    this.#isDue = false
    if (this.#remembered === undefined) return
    try {
      await save(this.#directory, this.#remembered)
    } catch (error) {
      this.#forget(error)
    }
  }

  #forget(error: unknown): void {
    this.#remembered = undefined
    this.#say(`nothing is remembered from boot to boot: ${sentence(error)}`)
  }
}
