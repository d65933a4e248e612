import { createWriteStream, type WriteStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { cannot } from '../../agent/words/cannot.ts'

/** A machine's serial console: kept in a file, and waited on. */
export class Console {
  readonly path: string
  #text = ''
  #ended = false
  readonly #file: WriteStream
  readonly #waiting = new Set<() => void>()

  constructor(source: Readable, path: string) {
    this.path = path
    this.#file = createWriteStream(path)
    source.setEncoding('utf8')
    source.on('data', (text: string) => {
      this.#text += text
      this.#file.write(text)
      for (const look of [...this.#waiting]) look()
    })
    source.once('close', () => {
      this.#ended = true
      this.#file.end()
      for (const look of [...this.#waiting]) look()
    })
  }

  /** All that was printed, without the carriage returns of a terminal. */
  get text(): string {
    return this.#text.replaceAll('\r', '')
  }

  /** The first match in whole lines, from the beginning of the console on, now or when it comes. */
  async waitFor(pattern: RegExp, signal: AbortSignal): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>()
    const miss = (why: unknown) => reject(cannot(`find ${pattern} on the console ${this.path}`, why))
    const abort = () => miss(signal.reason)
    const look = () => {
      const match = pattern.exec(this.text.slice(0, this.text.lastIndexOf('\n') + 1))
      if (match) resolve(match)
      else if (this.#ended) miss('the machine is off')
    }
    this.#waiting.add(look)
    signal.addEventListener('abort', abort)
    try {
      if (signal.aborted) abort()
      look()
      return await promise
    } finally {
      this.#waiting.delete(look)
      signal.removeEventListener('abort', abort)
    }
  }
}
