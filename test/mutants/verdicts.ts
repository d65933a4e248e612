import { createHash } from 'node:crypto'
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** What was found out already, so that a run goes on where the last one was interrupted: one JSON line each, the last one counts. */
export class Verdicts {
  readonly #path: string
  readonly #known = new Map<string, unknown>()

  constructor(path: string) {
    this.#path = path
    mkdirSync(dirname(path), { recursive: true })
    for (const line of linesOf(path)) {
      const [key, value] = JSON.parse(line) as [string, unknown]
      this.#known.set(key, value)
    }
  }

  get<T>(key: string): T | undefined {
    return this.#known.get(key) as T | undefined
  }

  set(key: string, value: unknown): void {
    this.#known.set(key, value)
    appendFileSync(this.#path, `${JSON.stringify([key, value])}\n`)
  }
}

function linesOf(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').slice(0, -1)
  } catch {
    return []
  }
}

export const digest = (text: string) => createHash('sha256').update(text).digest('hex')
