import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { abandonable } from '../../../words/deadline.ts'
import { withinOwn } from '../../../words/own-time.ts'

/** ms for a stat, of which we were run. A directory that takes longer lies on a file system that hangs. */
const STAT_MS = 500

/**
 * Whether something was put into some directories, or taken out of them, by their times: a stat of each, whatever they hold. One
 * that does not answer has not changed, and is not asked again before it has.
 */
export class Changes {
  readonly #root: string
  readonly #seen = new Map<string, string>()
  readonly #asked = new Set<string>()

  constructor(root: string) {
    this.#root = root
  }

  /** From now on it is about these directories of the host, which need not exist. */
  async begin(directories: readonly string[], signal: AbortSignal): Promise<void> {
    for (const directory of directories) this.#seen.set(directory, UNSEEN)
    await this.happened(signal)
  }

  /** Whether any of them has changed since it was last asked. Never throws. */
  async happened(signal: AbortSignal): Promise<boolean> {
    using limit = withinOwn(STAT_MS, signal)
    const changes = await Promise.all(
      [...this.#seen.keys()].map((directory) => this.#hasChanged(directory, limit.signal)),
    )
    return changes.includes(true)
  }

  async #hasChanged(directory: string, signal: AbortSignal): Promise<boolean> {
    if (this.#asked.has(directory)) return false
    this.#asked.add(directory)
    const answer = stat(join(this.#root, directory)).then(
      ({ dev, ino, mtimeMs }) => `${dev} ${ino} ${mtimeMs}`,
      ({ code }: NodeJS.ErrnoException) => `${code}`,
    )
    void answer.then(() => this.#asked.delete(directory))
    const now = await abandonable(answer, signal).catch(() => undefined)
    if (now === undefined || now === this.#seen.get(directory)) return false
    this.#seen.set(directory, now)
    return true
  }
}

const UNSEEN = 'not asked yet'
