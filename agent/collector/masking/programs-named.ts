import { type SecretRule, secretRules } from './program-secrets.ts'
import { HIDDEN } from './secret-shapes.ts'

/** A rule that may hold for the words to come. */
interface Waiting {
  readonly rule: SecretRule
  /** Whether the word has been there after which it holds. */
  met: boolean
  /** Words since then that are no flags. */
  operands: number
}

/** What the rules say of a word: it is masked, or the next one is. */
export type Ruled =
  | { readonly masked: string; readonly next?: undefined }
  /** Gives the next word masked; undefined where it is not what was expected. */
  | { readonly next: (word: string) => string | undefined }

/** More programs than this are not named in one command. */
const MOST_RULES = 64

/**
 * The programs that a command line has named so far, and what they are known to take. All count until the command
 * ends, because a word may look like a program and be none: the database of `mongo -u bob mysql -p X`.
 */
export class ProgramsNamed {
  #waiting: Waiting[] = []

  /** Takes the next word; undefined where no rule tells anything of it. */
  take(word: string): Ruled | undefined {
    if (/^[|&;]{1,2}$/.test(word) || word.endsWith(';')) {
      this.#waiting = []
      return undefined
    }
    const ruled = this.#rule(word)
    const named = ruled === undefined ? secretRules(word) : []
    if (this.#waiting.length < MOST_RULES) {
      this.#waiting.push(...named.map((rule) => ({ rule, met: rule.after === undefined, operands: 0 })))
    }
    return ruled
  }

  #rule(word: string): Ruled | undefined {
    let ruled: Ruled | undefined
    for (const waiting of this.#waiting) {
      if (waiting.met) {
        if (!word.startsWith('-')) waiting.operands += 1
        ruled ??= ruledBy(waiting, word)
      } else if (waiting.rule.after?.test(word)) waiting.met = true
    }
    return ruled
  }
}

function ruledBy({ rule, operands }: Waiting, word: string): Ruled | undefined {
  const { next, value, within, operand } = rule
  if (next?.test(word)) {
    return {
      next: (secret) => {
        const masked = value === undefined ? HIDDEN : kept(secret, value)
        return masked === secret ? undefined : masked
      },
    }
  }
  if (within?.test(word)) return { masked: kept(word, within) }
  if (operand !== undefined && operands >= operand && !word.startsWith('-')) return { masked: HIDDEN }
  return undefined
}

/** A word of which the groups are kept, and what is between them is hidden. */
function kept(word: string, shape: RegExp): string {
  return word.replace(shape, (_, ...groups: unknown[]) => {
    const [before = '', after = ''] = groups.map((group) => (typeof group === 'string' && group !== word ? group : ''))
    return before + HIDDEN + after
  })
}
