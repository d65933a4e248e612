import { createHash } from 'node:crypto'
import { appendFile, glob, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CACHE } from './images.ts'
import type { Trial } from './trial.ts'

const ROOT = join(import.meta.dirname, '../..')
/** All that a trial's outcome depends on. */
const JUDGED = ['agent/**/*', 'units/**/*', 'scripts/**/*', 'test/vm/**/*', 'package-lock.json']
const FILE = join(CACHE, 'passed')

/** The trials that have passed with these very files, kept across runs: a long run that was interrupted goes on where it was. */
export class Passed {
  readonly #key: string
  readonly #lines: Set<string>

  private constructor(key: string, lines: Set<string>) {
    this.#key = key
    this.#lines = lines
  }

  static async read(): Promise<Passed> {
    const hash = createHash('sha256')
    const files = await Array.fromAsync(glob(JUDGED, { cwd: ROOT }))
    for (const file of files.sort()) {
      const content = await readFile(join(ROOT, file)).catch(() => undefined) // a directory, a link that leads into the image
      if (content !== undefined) hash.update(`${file} ${content.length}\n`).update(content)
    }
    const text = await readFile(FILE, 'utf8').catch(() => '')
    return new Passed(hash.digest('hex').slice(0, 16), new Set(text.split('\n')))
  }

  has(trial: Trial): boolean {
    return this.#lines.has(this.#line(trial))
  }

  async add(trial: Trial): Promise<void> {
    await mkdir(CACHE, { recursive: true })
    await appendFile(FILE, `${this.#line(trial)}\n`)
  }

  #line({ scenario, suite }: Trial): string {
    return `${this.#key} ${scenario.name} ${suite}`
  }
}
